# SPDX-License-Identifier: MIT
"""From a trained model to integers, and to a network folder (docs/formats.md is the format).

Everything here runs on the CPU, in integers and in double precision.
"""

import json
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional as F

from .network import Conv, Pool
from .quantisers import weight_codes

# The name that the format gives to the bias of a requantising layer.
REQUANTISE_BIAS = "bias"


@dataclass
class FoldedLayer:
    """One layer in integers.

    codes: the weights' codes, (output channels, input channels, height, width), as floats.
    arrays: by the names of the format, what the network folder holds of this layer.
    """

    layer: object
    codes: torch.Tensor = None
    arrays: dict = field(default_factory=dict)


def _thresholds(slope, intercept, bits):
    """Thresholds on the accumulator for code = round(clamp(slope · acc + intercept) · levels).

    slope, intercept: float64 (channels,). Returns int32 (channels, levels) and uint8 (channels,):
    with a negative slope the code falls as the accumulator rises; its thresholds then say where the
    inverted code rises, and its entry in the second array is 1.
    """
    levels = 2**bits - 1
    borders = (np.arange(levels) + 0.5) / levels
    invert = slope < 0
    divisor = np.where(slope == 0, 1.0, slope)
    position = (borders[None, :] - intercept[:, None]) / divisor[:, None]
    # Rising: acc ≥ ceil(position). Falling: the code counts acc ≤ floor(position), its inverse
    # acc ≥ floor(position) + 1.
    thresholds = np.where(invert[:, None], np.floor(position) + 1, np.ceil(position))
    constant = np.where(intercept[:, None] >= borders[None, :], -(2**31), 2**31 - 1)
    thresholds = np.where((slope == 0)[:, None], constant, thresholds)
    thresholds = np.sort(np.clip(thresholds, -(2**31), 2**31 - 1), axis=1)
    return thresholds.astype("<i4"), invert.astype("u1")


def requantise(slope, intercept):
    """Arrays for code = (acc · multiplier + bias) >> shift, clamped to the codes that there are.

    That is round(slope · acc + intercept), halves rounded up. The shift is the largest that leaves
    31 bits for the multiplier and 62 for the bias; a code is then off by one for accumulators that
    lie within about 2^−22 codes of a border.
    """
    intercept = intercept + 0.5
    shift = np.minimum(31 - np.frexp(slope)[1], 62 - np.frexp(intercept)[1]).clip(0, 62)
    multiplier = np.rint(np.ldexp(slope, shift)).clip(-(2**31), 2**31 - 1)
    bias = np.floor(np.ldexp(intercept, shift)).clip(-(2**62), 2**62)
    return {
        "multiplier": multiplier.astype("<i4"),
        REQUANTISE_BIAS: bias.astype("<i8"),
        "shift": shift.astype("u1"),
    }


def pack_weights(codes, bits):
    """The `weights` array: per output channel height × width × input channels; one bit packed."""
    codes = codes.permute(0, 2, 3, 1)
    if bits == 1:
        rows = codes.flatten(1).numpy()
        return np.packbits(rows > 0, axis=1, bitorder="little")
    return codes.numpy().astype("i1")


@torch.no_grad()
def fold(model):
    """Folds batch norm, scales and the input's mean into integers: a list of FoldedLayer.

    They become thresholds; for 8-bit codes a multiplier, bias and shift; for the last layer a float
    scale and bias, which turn its integer scores into logits. The model lies on the CPU.
    """
    folded, input_scale, mean = [], 1 / 255, model.mean
    for layer in model.layers:
        if isinstance(layer, Pool):
            folded.append(FoldedLayer(layer))
            continue
        conv, norm = model.weights[layer.name], model.norms[layer.name]
        codes, scale = weight_codes(conv.weight, layer.weight_bits)
        scale = scale.flatten().double().numpy()
        gain = (norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)).numpy()
        offset = norm.bias.double().numpy() - gain * norm.running_mean.double().numpy()
        slope = gain * scale * input_scale
        intercept = offset - gain * scale * mean * codes.double().sum((1, 2, 3)).numpy()
        arrays = {"weights": pack_weights(codes, layer.weight_bits)}
        if layer.output_bits == 32:
            arrays |= {"scale": slope.astype("<f4"), "bias": intercept.astype("<f4")}
        elif layer.output_bits == 8:
            arrays |= requantise(slope * 255, intercept * 255)
        else:
            arrays["thresholds"], invert = _thresholds(slope, intercept, layer.output_bits)
            if invert.any():
                arrays["invert"] = invert
        folded.append(FoldedLayer(layer, codes, arrays))
        input_scale, mean = 1 / (2**layer.output_bits - 1), 0
    return folded


def _accumulators(folded_layer, x, input_bits):
    """The layer's sums (N, C, H, W) as float64.

    They are computed in float32 where no sum can reach 2^24, so that both ways are exact.
    """
    layer, codes = folded_layer.layer, folded_layer.codes
    stride, padding = (layer.stride, layer.padding) if isinstance(layer, Conv) else (1, 0)
    largest = codes.abs().sum((1, 2, 3)).max() * (2**input_bits - 1)
    dtype = torch.float32 if largest < 2**24 else torch.float64
    return F.conv2d(x.to(dtype), codes.to(dtype), stride=stride, padding=padding).double()


def _output_codes(folded_layer, sums):
    """The codes (N, C, H, W) of a layer's accumulators, by its thresholds or requantised."""
    arrays = {
        name: torch.from_numpy(values.astype("i8")).unsqueeze(-1).unsqueeze(-1)
        for name, values in folded_layer.arrays.items()
        if name != "weights"
    }
    levels = 2**folded_layer.layer.output_bits - 1
    if "multiplier" in arrays:
        scaled = sums.long() * arrays["multiplier"] + arrays[REQUANTISE_BIAS]
        return (scaled >> arrays["shift"]).clamp(0, levels).float()
    codes = sum((sums >= arrays["thresholds"][:, k]).float() for k in range(levels))
    if "invert" in arrays:
        codes = torch.where(arrays["invert"].bool(), levels - codes, codes)
    return codes


@torch.no_grad()
def integer_scores(folded, pictures, batch_size=250):
    """The folded network's int32 scores (N, classes) of uint8 pictures (N, H, W, C).

    They equal those of the program bit for bit.
    """
    scores = []
    for batch in pictures.split(batch_size):
        x, bits = batch.permute(0, 3, 1, 2).float(), 8
        for folded_layer in folded:
            layer = folded_layer.layer
            if isinstance(layer, Pool):
                x = F.max_pool2d(x, layer.kernel, layer.stride)
                continue
            x, bits = _accumulators(folded_layer, x, bits), layer.output_bits
            if bits < 32:
                x = _output_codes(folded_layer, x)
        scores.append(x.flatten(1).to(torch.int32))
    return torch.cat(scores).numpy()


def logits(folded, scores):
    """The float64 logits of integer scores, (N, classes), computed as the program does."""
    last = folded[-1].arrays
    return scores.astype("f8") * last["scale"].astype("f8") + last["bias"].astype("f8")


def apply_temperature(folded, temperature):
    """Divides the logits by the temperature; the order of the classes does not change."""
    last = folded[-1].arrays
    for name in ("scale", "bias"):
        last[name] = (last[name].astype("f8") / temperature).astype("<f4")


def _entry(layer, input_shape, output_shape, input_bits):
    """The layer's object in network.json."""
    entry = {"name": layer.name, "input_bits": input_bits}
    if isinstance(layer, Pool):
        entry |= {
            "func": "maxpool_layer",
            "output_bits": input_bits,
            "kernel_shape": layer.kernel,
            "kernel_stride": layer.stride,
            "padding": 0,
        }
    else:
        entry |= {
            "func": "fc_layer",
            "output_bits": layer.output_bits,
            "weight_bits": layer.weight_bits,
        }
        if isinstance(layer, Conv):
            entry |= {
                "func": "conv_layer",
                "kernel_shape": layer.kernel,
                "kernel_stride": layer.stride,
                "padding": layer.padding,
            }
    return entry | {
        "input_channels": input_shape[0],
        "input": list(input_shape),
        "output_channels": output_shape[0],
        "output": list(output_shape),
    }


def write_folder(folder, name, entries, arrays, more=None):
    """Writes network.json and the arrays into the network folder.

    entries: the layers' objects. arrays: by layer, what the format names. more: other fields of
    network.json. The folder's other files stay; a groups.txt among them is named in network.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for layer, of_layer in arrays.items():
        for array, values in of_layer.items():
            np.save(folder / f"{layer}.{array}.npy", np.ascontiguousarray(values))
    head = {"format": 1, "network": name, "labels": "labels.txt"}
    if (folder / "groups.txt").exists():
        head["groups"] = "groups.txt"
    lines = ",\n".join("    " + json.dumps(entry) for entry in entries)
    text = json.dumps(head | (more or {}), indent=2)[:-2]
    text += ',\n  "layers": [\n' + lines + "\n  ]\n}\n"
    json.loads(text)
    (folder / "network.json").write_text(text)


def write(model, folded, name, folder, view=None):
    """Writes a chain's network folder. view: how the program cuts a picture for this network."""
    entries, bits = [], 8
    for folded_layer in folded:
        layer = folded_layer.layer
        entries.append(_entry(layer, *model.shapes[layer.name], bits))
        bits = entries[-1]["output_bits"]
    arrays = {one.layer.name: one.arrays for one in folded}
    write_folder(folder, name, entries, arrays, {"view": view} if view else None)
