# SPDX-License-Identifier: MIT
"""A network as a table of layers, and the trainable model that a table stands for."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .quantisers import ACTIVATION_PART, QuantConv2d, activation_range, quantise_activation


@dataclass(frozen=True)
class Conv:
    """A convolution with batch norm. `kernel`, `stride` and `padding` are in pixels, both ways."""

    name: str
    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = 0
    weight_bits: int = 1
    output_bits: int = 2


@dataclass(frozen=True)
class Pool:
    """A max pool; `kernel` and `stride` are in pixels."""

    name: str
    kernel: int = 2
    stride: int = 2


@dataclass(frozen=True)
class FullyConnected:
    """`output_bits` 32 marks the last layer, whose integer scores become logits."""

    name: str
    channels: int
    weight_bits: int = 1
    output_bits: int = 2


class Model(nn.Module):
    """Takes float32 (N, C, H, W), 0 … 1, and returns logits (N, classes).

    Every layer with weights is a convolution; a fully connected one spans its whole input. The
    borders of the first layer are padded with pixel 0 before the mean is subtracted, so that the
    mean folds into the thresholds exactly.

    layers: the table. input_shape: (C, H, W). mean: what is subtracted from the input. dropout: the
    probability in front of the fully connected layers, but for a first one.
    """

    def __init__(self, layers, input_shape, mean=0.45, dropout=0.0):
        super().__init__()
        self.layers, self.mean, self.quantised = layers, mean, False
        self.dropout = nn.Dropout(dropout)
        self.weights, self.norms = nn.ModuleDict(), nn.ModuleDict()
        channels, height, width = input_shape
        self.shapes = {}  # by layer: its input's and its output's (C, H, W)
        first = True
        for layer in layers:
            before = (channels, height, width)
            if isinstance(layer, Pool):
                height = (height - layer.kernel) // layer.stride + 1
                width = (width - layer.kernel) // layer.stride + 1
            else:
                kernel, stride, padding = height, 1, 0
                if isinstance(layer, Conv):
                    kernel, stride, padding = layer.kernel, layer.stride, layer.padding
                self.weights[layer.name] = QuantConv2d(
                    channels,
                    layer.channels,
                    kernel,
                    stride,
                    0 if first else padding,
                    weight_bits=layer.weight_bits,
                )
                self.norms[layer.name] = nn.BatchNorm2d(layer.channels)
                height = (height + 2 * padding - kernel) // stride + 1
                width = (width + 2 * padding - kernel) // stride + 1
                channels, first = layer.channels, False
            self.shapes[layer.name] = (before, (channels, height, width))

    def _activation_ranges(self, x):
        """By layer name: the range of the float network's activations for pictures `x`."""
        ranges = {}

        def observe(layer):
            def hook(_module, _inputs, output):
                ranges[layer.name] = activation_range(output, layer.output_bits, 100000).item()

            return hook

        hooks = [
            self.norms[layer.name].register_forward_hook(observe(layer))
            for layer in self.layers
            if not isinstance(layer, Pool) and layer.output_bits in ACTIVATION_PART
        ]
        self.train()  # batch norm uses the statistics of these pictures
        self(x)
        for hook in hooks:
            hook.remove()
        return ranges

    @torch.no_grad()
    def quantise(self, x=None, activation_scale=0.5):
        """Turns the float network into the low-bit one: scales each ReLU's range to [0, 1].

        The scale comes from what pictures `x` (N, C, H, W) cause, if given; else and for codes of
        one bit it is `activation_scale`. One-bit codes change at 1/2; that is put at the mean.
        """
        ranges = self._activation_ranges(x) if x is not None else {}
        self.quantised = True
        for layer in self.layers:
            if isinstance(layer, Pool):
                continue
            self.weights[layer.name].quantised = True
            if layer.output_bits < 32:
                scale = 1 / ranges[layer.name] if layer.name in ranges else activation_scale
                self.norms[layer.name].weight.mul_(scale)
                self.norms[layer.name].bias.mul_(scale)
                if layer.output_bits == 1:
                    self.norms[layer.name].bias.add_(0.5)

    def _activation(self, x, bits):
        return quantise_activation(x, bits) if self.quantised else F.relu(x)

    def forward(self, x):
        first = True
        for layer in self.layers:
            if isinstance(layer, Pool):
                x = F.max_pool2d(x, layer.kernel, layer.stride)
                continue
            if first:
                x = F.pad(x, [getattr(layer, "padding", 0)] * 4) - self.mean
                first = False
            if isinstance(layer, FullyConnected) and layer is not self.layers[0]:
                x = self.dropout(x)
            x = self.norms[layer.name](self.weights[layer.name](x))
            if layer.output_bits < 32:
                x = self._activation(x, layer.output_bits)
        return x.flatten(1)
