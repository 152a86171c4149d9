# SPDX-License-Identifier: MIT
"""A network as a table of layers, and the trainable model that a table stands for."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .quantisers import QuantConv2d, quantise_activation


@dataclass(frozen=True)
class Conv:
    name: str
    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = 0
    weight_bits: int = 1
    output_bits: int = 2


@dataclass(frozen=True)
class Pool:
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
    """Every layer with weights is a convolution; a fully connected one spans its whole input.

    Input: pixels 0 … 255, N×C×H×W. The borders of the first layer are padded with pixel 0 before the
    mean is taken off, so that the mean folds into the thresholds exactly.
    """

    def __init__(self, layers, picture, mean=0.45):
        super().__init__()
        self.table, self.picture, self.mean, self.quantised = layers, picture, mean, False
        self.weights, self.norms = nn.ModuleDict(), nn.ModuleDict()
        channels, height, width = picture
        self.shapes = {}
        first = True
        for layer in layers:
            before = (channels, height, width)
            if isinstance(layer, Pool):
                height = (height - layer.kernel) // layer.stride + 1
                width = (width - layer.kernel) // layer.stride + 1
            else:
                kernel, stride, padding = (height, 1, 0)
                if isinstance(layer, Conv):
                    kernel, stride, padding = layer.kernel, layer.stride, layer.padding
                self.weights[layer.name] = QuantConv2d(
                    channels, layer.channels, kernel, stride, 0 if first else padding, weight_bits=layer.weight_bits
                )
                self.norms[layer.name] = nn.BatchNorm2d(layer.channels)
                height = (height + 2 * padding - kernel) // stride + 1
                width = (width + 2 * padding - kernel) // stride + 1
                channels, first = layer.channels, False
            self.shapes[layer.name] = (before, (channels, height, width))

    def quantise(self, activation_scale=0.5):
        """From the float network to the low-bit one: scales each ReLU's range so that it fits [0, 1]."""
        self.quantised = True
        for layer in self.table:
            if isinstance(layer, Pool):
                continue
            self.weights[layer.name].quantised = True
            if layer.output_bits < 32:
                with torch.no_grad():
                    self.norms[layer.name].weight.mul_(activation_scale)
                    self.norms[layer.name].bias.mul_(activation_scale)

    def activation(self, x, bits):
        return quantise_activation(x, bits) if self.quantised else F.relu(x)

    def forward(self, x):
        x = x / 255
        first = True
        for layer in self.table:
            if isinstance(layer, Pool):
                x = F.max_pool2d(x, layer.kernel, layer.stride)
                continue
            if first:
                x = F.pad(x, [getattr(layer, "padding", 0)] * 4) - self.mean
                first = False
            x = self.norms[layer.name](self.weights[layer.name](x))
            if layer.output_bits < 32:
                x = self.activation(x, layer.output_bits)
        return x.flatten(1)
