# SPDX-License-Identifier: MIT
"""A network that is a graph, in integers: its arithmetic (docs/formats.md) and its folder."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional as F

from .efficientnet import FloatLayer, pad
from .export import write_folder

LEVELS = 255


@dataclass
class Codes:
    """What a tensor's codes stand for: value = scale · (code − zero)."""

    scale: float
    zero: int = 0


@dataclass
class IntegerLayer:
    """One layer in integers.

    weights: codes (out, in / groups, height, width) as floats. arrays: those of the network folder.
    reads, makes: what the codes read and made stand for; makes is None of scores.
    """

    layer: FloatLayer
    reads: list
    makes: Codes = None
    weights: torch.Tensor = None
    arrays: dict = field(default_factory=dict)


def _channels(values):
    return torch.from_numpy(values.astype("i8"))[:, None, None]


def accumulators(integer, inputs):
    """The layer's sums, exact, as float32 or float64; of an add, of its factors' products."""
    layer = integer.layer
    if layer.kind == "add":
        factors = integer.arrays["factors"]
        return sum(x.double() * _channels(f) for x, f in zip(inputs, factors, strict=True))
    if layer.kind == "pool":
        return inputs[0].double().sum((2, 3), keepdim=True)
    # No sum reaches 2^24: float32 is exact.
    largest = integer.weights.abs().sum((1, 2, 3)).max() * LEVELS
    dtype = torch.float32 if largest < 2**24 else torch.float64
    x = pad(inputs[0].to(dtype), layer.padding, integer.reads[0].zero)
    return F.conv2d(x, integer.weights.to(dtype), stride=layer.stride, groups=layer.groups)


def codes_of(integer, sums):
    """The codes, uint8, of a layer's accumulators."""
    arrays, sums = integer.arrays, sums.long()
    if "multiplier" in arrays:
        sums = sums * _channels(arrays["multiplier"])
    codes = (sums + _channels(arrays["bias"])) >> _channels(arrays["shift"])
    return codes.clamp_(0, LEVELS).to(torch.uint8)


def last_reader(layers):
    """For each tensor, the name of the last layer that reads it."""
    return {name: layer.name for layer in layers for name in layer.reads}


@torch.no_grad()
def scores(graph, pictures, batch_size=10):
    """int32 (N, classes) of uint8 pictures (N, H, W, 3): the program's, bit for bit."""
    last = last_reader([integer.layer for integer in graph])
    made = []
    for batch in pictures.split(batch_size):
        tensors = {"input": batch.permute(0, 3, 1, 2)}
        for integer in graph:
            name, reads = integer.layer.name, integer.layer.reads
            sums = accumulators(integer, [tensors[read] for read in reads])
            tensors[name] = codes_of(integer, sums) if integer.makes else sums
            for read in reads:
                if last[read] == name:
                    tensors.pop(read, None)
        made.append(tensors[graph[-1].layer.name].flatten(1).to(torch.int32))
    return torch.cat(made).numpy()


def _shape(layer, inputs, weights):
    """[channels, height, width] that a layer makes."""
    channels, height, width = inputs[0]
    if layer.kind == "add":
        return inputs[0]
    if layer.kind == "pool":
        return [channels, 1, 1]
    top, left, bottom, right = layer.padding
    out, _, kernel, _ = weights.shape
    height = (height + top + bottom - kernel) // layer.stride + 1
    return [out, height, (width + left + right - kernel) // layer.stride + 1]


def _convolution(integer):
    layer = integer.layer
    entry = {"weight_bits": 8, "kernel_shape": integer.weights.shape[-1]}
    alike = len(set(layer.padding)) == 1
    entry |= {"kernel_stride": layer.stride}
    entry |= {"padding": layer.padding[0] if alike else list(layer.padding)}
    if layer.groups > 1:
        entry["groups"] = layer.groups
    if any(layer.padding) and integer.reads[0].zero:
        entry["pad_code"] = integer.reads[0].zero
    return entry


def _entry(integer, before, inputs, output):
    """The layer's object in network.json. before: the name of the layer before it."""
    layer = integer.layer
    func = {"conv": "conv", "add": "add", "pool": "avgpool", "fc": "fc"}[layer.kind]
    entry = {"name": layer.name, "func": f"{func}_layer"}
    if layer.reads != (before,):
        entry["from"] = list(layer.reads) if layer.kind == "add" else layer.reads[0]
    entry |= {"input_bits": 8, "output_bits": 8 if integer.makes else 32}
    if layer.kind == "conv":
        entry |= _convolution(integer)
    elif layer.kind == "fc":
        entry["weight_bits"] = 8
    return entry | {
        "input_channels": inputs[0][0],
        "input": inputs[0],
        "output_channels": output[0],
        "output": output,
    }


def write(graph, input_shape, name, folder, more=None):
    """Writes the network folder; more: further fields of network.json."""
    shapes, entries, before = {"input": list(input_shape)}, [], "input"
    for integer in graph:
        layer = integer.layer
        inputs = [shapes[read] for read in layer.reads]
        shapes[layer.name] = _shape(layer, inputs, integer.weights)
        entries.append(_entry(integer, before, inputs, shapes[layer.name]))
        before = layer.name
    arrays = {integer.layer.name: integer.arrays for integer in graph}
    write_folder(folder, name, entries, arrays, more)
    return sum(values.nbytes for of_layer in arrays.values() for values in of_layer.values())


def factors(ratios, shift=20):
    """`factors` of an add, <i4 (inputs, channels), for the ratios of its inputs' scales to its own.

    2^20 codes of resolution; the sums of codes of 8 bits stay within 32 bits.
    """
    return np.rint(np.ldexp(ratios, shift)).astype("<i4")
