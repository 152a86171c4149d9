# SPDX-License-Identifier: MIT
"""A network as a table of layers, and the trainable model that a table stands for."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .quantisers import QuantConv2d, quantise_activation


# The part of a layer's positive activations that its codes shall reach, by their bits.
ACTIVATION_PART = {2: 0.97, 4: 0.998, 8: 0.9999}


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

    Input: pixels 0 … 1, N×C×H×W. The borders of the first layer are padded with pixel 0 before the
    mean is taken off, so that the mean folds into the thresholds exactly.
    """

    def __init__(self, layers, picture, mean=0.45, dropout=0.0):
        super().__init__()
        self.table, self.picture, self.mean, self.quantised = layers, picture, mean, False
        self.dropout = nn.Dropout(dropout)  # in front of the fully connected layers behind the first layer
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

    def _ranges(self, x):
        """By layer, what most of its positive activations lie below when the float network sees pictures `x`."""
        ranges = {}

        def observe(layer):
            def hook(_, __, out):
                positive = out[out > 0]
                pick = positive[torch.randint(len(positive), (100000,))]
                ranges[layer.name] = torch.quantile(pick, ACTIVATION_PART[layer.output_bits]).item()
            return hook

        hooks = [self.norms[layer.name].register_forward_hook(observe(layer))
                 for layer in self.table if not isinstance(layer, Pool) and layer.output_bits in ACTIVATION_PART]
        self.train()  # the statistics of these pictures
        self(x)
        for hook in hooks:
            hook.remove()
        return ranges

    @torch.no_grad()
    def quantise(self, x=None, activation_scale=0.5):
        """From the float network to the low-bit one: scales each ReLU's range so that it fits [0, 1].

        By what pictures `x` make of it, if they are given. Codes of one bit change at 1/2: that is put at the mean.
        """
        ranges = self._ranges(x) if x is not None else {}
        self.quantised = True
        for layer in self.table:
            if isinstance(layer, Pool):
                continue
            self.weights[layer.name].quantised = True
            if layer.output_bits < 32:
                scale = 1 / ranges[layer.name] if layer.name in ranges else activation_scale
                self.norms[layer.name].weight.mul_(scale)
                self.norms[layer.name].bias.mul_(scale)
                if layer.output_bits == 1:
                    self.norms[layer.name].bias.add_(0.5)

    def activation(self, x, bits):
        return quantise_activation(x, bits) if self.quantised else F.relu(x)

    def forward(self, x):
        first = True
        for layer in self.table:
            if isinstance(layer, Pool):
                x = F.max_pool2d(x, layer.kernel, layer.stride)
                continue
            if first:
                x = F.pad(x, [getattr(layer, "padding", 0)] * 4) - self.mean
                first = False
            if isinstance(layer, FullyConnected) and layer is not self.table[0]:
                x = self.dropout(x)
            x = self.norms[layer.name](self.weights[layer.name](x))
            if layer.output_bits < 32:
                x = self.activation(x, layer.output_bits)
        return x.flatten(1)
