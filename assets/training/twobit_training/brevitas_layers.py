# SPDX-License-Identifier: MIT
"""Brevitas layers with learned scales: per channel for weights, per tensor for activations."""

import brevitas.nn as qnn
import torch
from brevitas.core.quant import IntQuant
from brevitas.inject.enum import RestrictValueType, ScalingImplType
from brevitas.quant import Int8WeightPerChannelFloat, Uint8ActPerTensorFloatMaxInit

from .quantisers import activation_range

# The first scale of a channel's weights, as a multiple of their mean magnitude, by bits: about the
# least squared error for a normal distribution. With 8 bits the largest magnitude stays in range.
WEIGHT_SCALE = {2: 1.5, 4: 0.42}


class LearnedWeights(Int8WeightPerChannelFloat):
    """Codes −2^(b−1) … 2^(b−1) − 1; a scale per channel is learned as its logarithm."""

    scaling_impl_type = ScalingImplType.PARAMETER
    scaling_init = 1.0
    restrict_scaling_type = RestrictValueType.LOG_FP
    narrow_range = False


class LearnedActivations(Uint8ActPerTensorFloatMaxInit):
    """Codes 0 … 2^b − 1; the range, 4.0 at first, is learned as its logarithm."""

    restrict_scaling_type = RestrictValueType.LOG_FP
    max_val = 4.0


class Pixels(Uint8ActPerTensorFloatMaxInit):
    """The picture's bytes: 0 … 1 in steps of 1/255."""

    scaling_impl_type = ScalingImplType.CONST
    max_val = 1.0


def _round(x, scale, low: float, high: float):
    code = x / scale
    code = code + (torch.round(code) - code).detach()
    return code.clamp(low, high) * scale


_fused_round = torch.compile(_round, dynamic=False)


class FusedIntQuant(IntQuant):
    """IntQuant without zero point in one kernel: the same numbers and gradients, but faster."""

    def forward(self, scale, zero_point, bit_width, x):
        if not self.training:
            return super().forward(scale, zero_point, bit_width, x)
        return _fused_round(x, scale, self.low, self.high)


def _fuse(proxy, bits, signed):
    """Replaces the IntQuant of a Brevitas proxy, of weights if signed, else of activations."""
    quant = proxy.tensor_quant if signed else proxy.fused_activation_quant_proxy.tensor_quant
    old = quant.int_quant
    fused = FusedIntQuant(
        old.narrow_range,
        old.signed,
        old.input_view_impl,
        old.float_to_int_impl,
        old.tensor_clamp_impl,
    )
    fused.low = -float(2 ** (bits - 1)) if signed else 0.0
    fused.high = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1
    quant.int_quant = fused


def conv(before, after, kernel, bits):
    """A convolution without bias from `before` to `after` channels; `kernel` pixels both ways."""
    layer = qnn.QuantConv2d(
        before, after, kernel, bias=False, weight_quant=LearnedWeights, weight_bit_width=bits
    )
    _fuse(layer.weight_quant, bits, signed=True)
    return layer


def linear(before, after, bits, bias):
    """A fully connected layer from `before` to `after` channels."""
    layer = qnn.QuantLinear(before, after, bias, weight_quant=LearnedWeights, weight_bit_width=bits)
    _fuse(layer.weight_quant, bits, signed=True)
    return layer


def relu(bits):
    """A ReLU whose output has so many bits."""
    layer = qnn.QuantReLU(act_quant=LearnedActivations, bit_width=bits)
    _fuse(layer.act_quant, bits, signed=False)
    return layer


def pixels():
    """The network's input: 0 … 1 in 8 bits."""
    return qnn.QuantIdentity(act_quant=Pixels)


@torch.no_grad()
def calibrate(model, x):
    """Sets every scale after float weights were loaded.

    From the weights, and from the activations that the pictures `x` (N, C, H, W) cause.
    """
    for layer in model.modules():
        if isinstance(layer, (qnn.QuantConv2d, qnn.QuantLinear)):
            bits = int(layer.weight_quant.bit_width())
            rows = layer.weight.abs().flatten(1)
            scale = rows.mean(1) * WEIGHT_SCALE[bits] if bits < 8 else rows.amax(1) / 127
            value = layer.weight_quant.tensor_quant.scaling_impl.value
            value.copy_(torch.log2(scale.clamp_min(1e-8) * 2 ** (bits - 1)).view(value.shape))

    def before_relu(layer, inputs):
        bits = int(layer.act_quant.bit_width())
        covered = activation_range(inputs[0], bits, 200000)
        quant = layer.act_quant.fused_activation_quant_proxy.tensor_quant
        quant.scaling_impl.value.copy_(torch.log2(covered))

    relus = [layer for layer in model.modules() if isinstance(layer, qnn.QuantReLU)]
    hooks = [layer.register_forward_pre_hook(before_relu) for layer in relus]
    model.train()  # batch norm uses the statistics of these pictures with low-bit weights
    model(x)
    for hook in hooks:
        hook.remove()
