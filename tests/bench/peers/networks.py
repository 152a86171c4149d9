# SPDX-License-Identifier: MIT
"""The shapes of a network folder, and weights for them: peers compute the same sums, of numbers that do not matter."""
import json
import pathlib
from dataclasses import dataclass

import numpy as np


@dataclass
class Layer:
    kind: str  # conv, fc, maxpool, avgpool, add
    name: str
    reads: list  # numbers of layers; -1: the input
    shape_in: tuple  # channels, height, width
    shape_out: tuple
    kernel: tuple = (1, 1)
    stride: tuple = (1, 1)
    pads: tuple = (0, 0, 0, 0)  # top, left, bottom, right
    groups: int = 1
    relu: bool = True

    def weight_shape(self):
        return (self.shape_out[0], self.shape_in[0] // self.groups, *self.kernel)


def pair(value):
    return tuple(value) if isinstance(value, list) else (value, value)


def read_layer(entry, number, names, last):
    kind = entry["func"].removesuffix("_layer")
    reads = [names.index(name) for name in entry.get("from", [])] or [number - 1]
    pads = entry.get("padding", 0)
    layer = Layer(kind, entry["name"], reads, tuple(entry["input"]), tuple(entry["output"]), relu=number < last)
    if kind in ("conv", "maxpool"):
        layer.kernel = pair(entry["kernel_shape"])
        layer.stride = pair(entry["kernel_stride"])
        layer.pads = tuple(pads) if isinstance(pads, list) else (pads,) * 4
        layer.groups = entry.get("groups", 1)
    elif kind in ("fc", "avgpool"):
        layer.kernel = layer.shape_in[1:]
    elif kind != "add":
        raise SystemExit(f"{entry['name']}: peers are not told how to compute a {entry['func']}")
    return layer


def read_network(folder):
    """All layers, in order."""
    entries = json.loads((pathlib.Path(folder) / "network.json").read_text(encoding="utf-8"))["layers"]
    names = [entry["name"] for entry in entries]
    return [read_layer(entry, i, names, len(entries) - 1) for i, entry in enumerate(entries)]


def shapes_key(layers):
    """The same for networks that take peers the same time."""
    return repr([(l.kind, l.reads, l.shape_in, l.shape_out, l.kernel, l.stride, l.pads, l.groups) for l in layers])


def weights_of(layer, number):
    """Of 8 bits, and a bias of 32 bits."""
    random = np.random.default_rng(number)
    return (random.integers(-127, 128, layer.weight_shape(), np.int8),
            random.integers(-1000, 1000, layer.shape_out[0], np.int32))


def output_scale(layer):
    """That keeps random sums of products of 8 bits within 8 bits."""
    return float(np.sqrt(np.prod(layer.weight_shape()[1:]))) * 73


def input_codes(layers, batch):
    """[batch, channels, height, width]"""
    return np.random.default_rng(0).integers(0, 256, (batch, *layers[0].shape_in), np.uint8)
