# SPDX-License-Identifier: MIT
"""Quantise a trained float graph to 8 bits: no training, some pictures to calibrate on.

Activations are u8 codes with a scale and a zero point for a tensor, weights s8 with a scale for
each output channel. Scales are those of the least squared error, which cuts off rare extremes.
Layers are quantised one after the other: each reads what the quantised layers before it make, and
its bias takes up the mean difference from the float network (Nagel et al., 2019, arXiv:1906.04721).
"""

import numpy as np
import torch

from .efficientnet import DIVISOR, MEAN, normalised, run_layer
from .export import pack_weights, requantise
from .integer_graph import (
    LEVELS,
    Codes,
    IntegerLayer,
    accumulators,
    codes_of,
    factors,
    last_reader,
)

BINS = 4096
ADD_SHIFT = 20


def _histogram(values):
    low, high = values.min().item(), values.max().item()
    counts = torch.histc(values.float(), BINS, low, high).double().numpy()
    return low + (np.arange(BINS) + 0.5) * (high - low) / BINS, counts


def activation_codes(values, signed):
    """The scale and zero point with the least squared error on these values.

    Both ends are moved in, from the extremes to a fifth of them; unsigned codes begin at 0.
    """
    centres, counts = _histogram(values)
    parts = np.linspace(0.2, 1.0, 41)
    best = (np.inf, None)
    for low in parts * min(centres[0], 0.0) if signed else [0.0]:
        for high in parts * max(centres[-1], 1e-6):
            scale = (high - low) / LEVELS
            zero = round(-low / scale)
            codes = np.clip(np.rint(centres / scale) + zero, 0, LEVELS)
            error = (counts * ((codes - zero) * scale - centres) ** 2).sum()
            if error < best[0]:
                best = (error, Codes(scale, zero))
    return best[1]


def weight_codes(weight):
    """Codes −127 … 127 as floats, and the scale of each output channel, float64 (out,)."""
    largest = weight.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-12)
    best_error = torch.full_like(largest, torch.inf)
    best_scale = largest / 127
    for part in np.linspace(0.8, 1.0, 41):
        scale = largest * part / 127
        rounded = (weight / scale).round().clamp(-127, 127) * scale
        error = ((rounded - weight) ** 2).sum((1, 2, 3), keepdim=True)
        better = error < best_error
        best_error = torch.where(better, error, best_error)
        best_scale = torch.where(better, scale, best_scale)
    codes = (weight / best_scale).round().clamp(-127, 127)
    return codes.float(), best_scale.flatten().numpy()


def _batched(function, inputs, batch_size=10):
    parts = zip(*(x.split(batch_size) for x in inputs), strict=True)
    return torch.cat([function(part) for part in parts])


def _add(integer):
    ratios = np.array([[read.scale / integer.makes.scale] for read in integer.reads])
    zeros = np.array([read.zero for read in integer.reads])
    bias = integer.makes.zero + 0.5 - (ratios[:, 0] * zeros).sum()
    return ratios, bias


class _Quantiser:
    """The graph's tensors of the calibration pictures, in float and in codes, as it grows."""

    def __init__(self, layers, pictures):
        self.last = last_reader(layers)
        self.float = {"input": normalised(pictures)}
        self.codes = {"input": pictures.permute(0, 3, 1, 2)}
        self.stand_for = {"input": Codes(1 / DIVISOR, MEAN)}
        self.graph = []

    def _correction(self, layer, integer, slope, expected):
        """The mean by which the quantised layer's results fall short, for each channel."""
        sums = _batched(
            lambda part: accumulators(integer, part), [self.codes[read] for read in layer.reads]
        )
        constant = integer.reads[0].zero * integer.weights.double().sum((1, 2, 3)).numpy()
        found = slope * (sums.mean((0, 2, 3), dtype=torch.float64).numpy() - constant)
        return expected.mean((0, 2, 3), dtype=torch.float64).numpy() - found, constant

    def _weighted(self, layer, integer, expected):
        integer.weights, scale = weight_codes(layer.weight)
        slope = scale * integer.reads[0].scale
        bias, constant = self._correction(layer, integer, slope, expected)
        bias = bias - slope * constant
        integer.arrays["weights"] = pack_weights(integer.weights, 8)
        if layer.kind == "fc":
            integer.arrays |= {"scale": slope.astype("<f4"), "bias": bias.astype("<f4")}
            return
        makes = integer.makes
        integer.arrays |= requantise(slope / makes.scale, bias / makes.scale + makes.zero)

    def _combined(self, layer, integer):
        """Adds and pools."""
        channels = self.float[layer.reads[0]].shape[1]
        ones = np.ones(channels)
        if layer.kind == "pool":
            pixels = self.float[layer.reads[0]][0, 0].numel()
            slope = integer.reads[0].scale / integer.makes.scale / pixels
            integer.arrays |= requantise(slope * ones, 0 * ones)
            return
        ratios, bias = _add(integer)
        integer.arrays = {
            "factors": factors(ratios * ones, ADD_SHIFT),
            "bias": np.floor(np.ldexp(bias * ones, ADD_SHIFT)).astype("<i8"),
            "shift": np.full(channels, ADD_SHIFT, "u1"),
        }

    def append(self, layer):
        inputs = [self.float[read] for read in layer.reads]
        expected = _batched(lambda part: run_layer(layer, part), inputs)
        result = expected.clamp(0, 6) if layer.relu6 else expected
        integer = IntegerLayer(layer, [self.stand_for[read] for read in layer.reads])
        if layer.kind != "fc":
            signed = not layer.relu6 and layer.kind != "pool"
            integer.makes = activation_codes(result, signed)
        if layer.weight is None:
            self._combined(layer, integer)
        else:
            self._weighted(layer, integer, expected)
        self.graph.append(integer)
        self._keep(layer, integer, result)

    def _keep(self, layer, integer, result):
        if integer.makes:
            self.codes[layer.name] = _batched(
                lambda part: codes_of(integer, accumulators(integer, part)),
                [self.codes[read] for read in layer.reads],
            )
            self.float[layer.name] = result
            self.stand_for[layer.name] = integer.makes
        for read in layer.reads:
            if self.last[read] == layer.name:
                self.float.pop(read, None)
                self.codes.pop(read, None)


@torch.no_grad()
def quantise(layers, pictures, progress=lambda integer: None):
    """The graph in integers, a list of IntegerLayer, calibrated on uint8 pictures (N, H, W, 3)."""
    quantiser = _Quantiser(layers, pictures)
    for layer in layers:
        quantiser.append(layer)
        progress(quantiser.graph[-1])
    return quantiser.graph
