# SPDX-License-Identifier: MIT
"""Quantisers with straight-through gradients, after DoReFa-Net.

See Zhou et al., 2016, arXiv:1606.06160. A code is the integer that the network computes with; a
value is what the code stands for.
"""

import torch
from torch import nn

# The fraction of a layer's positive activations that its quantiser covers at first, by bits.
ACTIVATION_PART = {2: 0.97, 4: 0.998, 8: 0.9999}


def activation_range(x, bits, samples):
    """The value below which ACTIVATION_PART of the positive entries of `x` lie: a scalar tensor.

    Estimated from `samples` entries drawn with PyTorch's CPU generator.
    """
    positive = x[x > 0]
    drawn = positive[torch.randint(len(positive), (samples,)).to(x.device)]
    return torch.quantile(drawn, ACTIVATION_PART[bits])


def straight_through(value, quantised):
    """Returns `quantised`; its gradient goes to `value` unchanged."""
    return value + (quantised - value).detach()


def quantise_activation(x, bits):
    """Rounds to 2^bits levels over [0, 1]; outside, x is clamped and its gradient is zero."""
    levels = 2**bits - 1
    x = x.clamp(0, 1)
    return straight_through(x, torch.round(x * levels) / levels)


def weight_codes(weight, bits):
    """The integer codes of a weight tensor (as floats) and their scale per output channel.

    weight: (channels, …). Returns codes of the same shape and a scale of shape (channels, 1, …),
    with weight ≈ scale · code. One bit: codes −1 and +1; more: symmetric about 0.
    """
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
    """The value of each weight's code, with a straight-through gradient."""
    codes, scale = weight_codes(weight.detach(), bits)
    return straight_through(weight, codes * scale)


class QuantConv2d(nn.Conv2d):
    """A convolution without bias; `quantised` switches from its float to its low-bit weights."""

    def __init__(self, *args, weight_bits, **kwargs):
        super().__init__(*args, bias=False, **kwargs)
        self.weight_bits = weight_bits
        self.quantised = False

    def forward(self, x):
        weight = quantise_weight(self.weight, self.weight_bits) if self.quantised else self.weight
        # A kernel that spans its input is a fully connected layer: a matrix product is faster.
        if self.kernel_size == x.shape[2:] and self.padding == (0, 0):
            return nn.functional.linear(x.flatten(1), weight.flatten(1))[:, :, None, None]
        return self._conv_forward(x, weight, None)
