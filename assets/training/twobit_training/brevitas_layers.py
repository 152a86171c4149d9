# SPDX-License-Identifier: MIT
"""Brevitas layers with learned scales: per channel for weights, per tensor for activations (learned step sizes)."""

import brevitas.nn as qnn
import torch
from brevitas.core.quant import IntQuant
from brevitas.inject.enum import RestrictValueType, ScalingImplType
from brevitas.quant import Int8WeightPerChannelFloat, Uint8ActPerTensorFloatMaxInit
from torch import nn

# The step of a weight's quantiser, as a multiple of the channel's mean magnitude: about the least squared error for
# a normal distribution. 8 bits: the largest magnitude stays in range.
WEIGHT_STEP = {2: 1.5, 4: 0.42}
# The part of the activations within the quantiser's range at the start.
ACTIVATION_PART = {2: 0.97, 4: 0.998, 8: 0.9999}


class LearnedWeights(Int8WeightPerChannelFloat):
    """Codes −2^(b−1) … 2^(b−1) − 1; the scale, one a channel, is learned as its logarithm."""

    scaling_impl_type = ScalingImplType.PARAMETER
    scaling_init = 1.0
    restrict_scaling_type = RestrictValueType.LOG_FP
    narrow_range = False


class LearnedActivations(Uint8ActPerTensorFloatMaxInit):
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


_fast_round = torch.compile(_round, dynamic=False)


class FastIntQuant(IntQuant):
    """IntQuant without zero point, fused: the same numbers and gradients in fewer passes over memory."""

    def forward(self, scale, zero_point, bit_width, x):
        if not self.training:
            return super().forward(scale, zero_point, bit_width, x)
        return _fast_round(x, scale, self.low, self.high)


def _hasten(proxy, bits, signed):
    quant = proxy.tensor_quant if signed else proxy.fused_activation_quant_proxy.tensor_quant
    old = quant.int_quant
    fast = FastIntQuant(old.narrow_range, old.signed, old.input_view_impl, old.float_to_int_impl, old.tensor_clamp_impl)
    fast.low = -float(2 ** (bits - 1)) if signed else 0.0
    fast.high = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1
    quant.int_quant = fast
    return quant


def conv(before, channels, kernel, bits):
    layer = qnn.QuantConv2d(before, channels, kernel, bias=False, weight_quant=LearnedWeights, weight_bit_width=bits)
    _hasten(layer.weight_quant, bits, True)
    return layer


def linear(before, channels, bits, bias):
    layer = qnn.QuantLinear(before, channels, bias, weight_quant=LearnedWeights, weight_bit_width=bits)
    _hasten(layer.weight_quant, bits, True)
    return layer


def relu(bits):
    layer = qnn.QuantReLU(act_quant=LearnedActivations, bit_width=bits)
    _hasten(layer.act_quant, bits, False)
    return layer


def pixels():
    return qnn.QuantIdentity(act_quant=Pixels)


@torch.no_grad()
def calibrate(model, x):
    """Sets every scale after float weights were loaded: from the weights, and from the activations that `x` causes."""
    for layer in model.modules():
        if isinstance(layer, (qnn.QuantConv2d, qnn.QuantLinear)):
            bits = int(layer.weight_quant.bit_width())
            rows = layer.weight.abs().flatten(1)
            step = rows.mean(1) * WEIGHT_STEP[bits] if bits < 8 else rows.amax(1) / 127
            value = layer.weight_quant.tensor_quant.scaling_impl.value
            value.copy_(torch.log2(step.clamp_min(1e-8) * 2 ** (bits - 1)).view(value.shape))

    def before_relu(layer, inputs):
        bits = int(layer.act_quant.bit_width())
        positive = torch.relu(inputs[0]).flatten()
        positive = positive[positive > 0]
        pick = positive[torch.randint(len(positive), (200000,))]
        most = torch.quantile(pick, ACTIVATION_PART[bits])
        layer.act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value.copy_(torch.log2(most))

    hooks = [m.register_forward_pre_hook(before_relu) for m in model.modules() if isinstance(m, qnn.QuantReLU)]
    model.train()  # the statistics of this batch, as the low-bit weights make them
    model(x)
    for hook in hooks:
        hook.remove()
