# SPDX-License-Identifier: MIT
"""Quantisers with straight-through gradients, after DoReFa-Net (Zhou et al., 2016, arXiv:1606.06160)."""

import torch
from torch import nn


def straight_through(value, quantised):
    """The quantised value forwards, the gradient of `value` backwards."""
    return value + (quantised - value).detach()


def quantise_activation(x, bits):
    """Codes 0 … 2^bits − 1 over [0, 1]; outside, the gradient is zero."""
    levels = 2**bits - 1
    x = x.clamp(0, 1)
    return straight_through(x, torch.round(x * levels) / levels)


def weight_codes(weight, bits):
    """The integers of a weight tensor and their scale per output channel (weight ≈ scale · code)."""
    per_channel = tuple(range(1, weight.dim()))
    if bits == 1:
        scale = weight.abs().mean(per_channel, keepdim=True)
        codes = torch.where(weight >= 0, 1.0, -1.0)
    else:
        top = 2 ** (bits - 1) - 1
        scale = weight.abs().amax(per_channel, keepdim=True).clamp_min(1e-8) / top
        codes = torch.round(weight / scale).clamp(-top - 1, top)
    return codes, scale


def quantise_weight(weight, bits):
    codes, scale = weight_codes(weight.detach(), bits)
    return straight_through(weight, codes * scale)


class QuantConv2d(nn.Conv2d):
    """A convolution without bias; `quantised` switches between its float and its low-bit weights."""

    def __init__(self, *args, weight_bits, **kwargs):
        super().__init__(*args, bias=False, **kwargs)
        self.weight_bits = weight_bits
        self.quantised = False

    def forward(self, x):
        weight = quantise_weight(self.weight, self.weight_bits) if self.quantised else self.weight
        if self.kernel_size == x.shape[2:] and self.padding == (0, 0):  # fully connected: quicker as a matrix
            return nn.functional.linear(x.flatten(1), weight.flatten(1))[:, :, None, None]
        return self._conv_forward(x, weight, None)
