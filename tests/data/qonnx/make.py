#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the models of this folder: small networks, not trained, exported by Brevitas as QONNX.

Besides NAME.onnx: NAME.pictures.npy, bytes [picture, height, width, channel], and NAME.logits.npy, what Brevitas
computes of them with PyTorch, before the softmax.
"""

from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import onnx
import torch
from brevitas.core.restrict_val import RestrictValueType
from brevitas.export import export_qonnx
from brevitas.quant import (Int8ActPerTensorFloatMinMaxInit, Int8WeightPerChannelFloat,
                            Int8WeightPerTensorFloat, ShiftedUint8WeightPerTensorFloat, SignedBinaryActPerTensorConst,
                            SignedBinaryWeightPerTensorConst, Uint8ActPerTensorFloat, Uint8ActPerTensorFloatMaxInit)
from torch import nn


class Pixels(Uint8ActPerTensorFloatMaxInit):
    scaling_impl_type = "const"
    max_val = 1.0


class Bytes(Pixels):
    max_val = 255.0


class Relu(Uint8ActPerTensorFloatMaxInit):
    max_val = 1.5
    restrict_scaling_type = RestrictValueType.LOG_FP


class Signed(Int8ActPerTensorFloatMinMaxInit):
    min_val, max_val = -1.87, 1.87
    restrict_scaling_type = RestrictValueType.LOG_FP


class Residual(nn.Module):
    """Pixels by a table; a quantised and a float add; depthwise on signed codes, padded; a mean before the matrix."""

    def __init__(self):
        super().__init__()
        weights = dict(bias=False, weight_quant=Int8WeightPerChannelFloat, weight_bit_width=4)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.input = qnn.QuantIdentity(act_quant=Signed, bit_width=7)
        self.conv0, self.norm0 = qnn.QuantConv2d(3, 6, 3, stride=(2, 1), padding=1, **weights), nn.BatchNorm2d(6)
        self.conv1, self.norm1 = qnn.QuantConv2d(6, 6, 3, padding=2, dilation=2, groups=6, **weights), nn.BatchNorm2d(6)
        self.conv2, self.norm2 = qnn.QuantConv2d(6, 6, 1, **weights), nn.BatchNorm2d(6)
        self.signed, self.tied = (qnn.QuantIdentity(act_quant=Signed, bit_width=bits) for bits in (5, 8))
        self.relus = nn.ModuleList(qnn.QuantReLU(act_quant=Relu, bit_width=bits) for bits in (4, 8))
        self.fc = qnn.QuantLinear(6, 5, bias=True, weight_quant=Int8WeightPerChannelFloat)

    def forward(self, x):
        x = self.signed(self.norm0(self.conv0(self.input((x - self.mean) / self.std))))
        y = self.norm1(self.conv1(x))
        x = self.relus[0](self.tied(y) + self.tied(x))
        x = self.relus[1](x + self.norm2(self.conv2(x)))
        return self.fc(x.mean((2, 3)))


class Fire(nn.Module):
    """Pixels as they are; branches joined with scales of their own; average pools, truncated and padded; a transposed
    convolution; functions before quantisers; weights with a zero point; rows and columns flattened last; a sigmoid."""

    def __init__(self):
        super().__init__()
        weights = dict(bias=False, weight_quant=Int8WeightPerTensorFloat, weight_bit_width=4)
        self.conv0, self.norm0 = qnn.QuantConv2d(1, 5, 3, bias=False, weight_quant=ShiftedUint8WeightPerTensorFloat), nn.BatchNorm2d(5)
        self.conv1, self.conv2 = qnn.QuantConv2d(5, 4, 1, **weights), qnn.QuantConv2d(5, 3, 3, padding=1, **weights)
        self.turned = qnn.QuantConvTranspose2d(7, 4, 3, stride=2, padding=1, output_padding=1, bias=True,
                                               weight_bit_width=4)
        self.truncated = qnn.TruncAvgPool2d(2, 2, bit_width=4)
        self.relus = nn.ModuleList(qnn.QuantReLU(act_quant=Relu, bit_width=4, return_quant_tensor=i == 0)
                                   for i in range(3))
        self.leaky, self.signed = nn.LeakyReLU(0.1), qnn.QuantIdentity(act_quant=Signed, bit_width=4)
        self.fc = qnn.QuantLinear(4 * 4 * 5, 3, bias=True, weight_quant=Int8WeightPerChannelFloat)

    def forward(self, x, end=True):
        x = self.truncated(self.relus[0](self.norm0(self.conv0(x))))
        x = torch.cat([self.relus[1](self.conv1(x)), self.relus[2](self.conv2(x))], 1)
        x = nn.functional.avg_pool2d(x, 2, padding=1)
        x = nn.functional.interpolate(self.signed(self.leaky(self.turned(x))), scale_factor=2)
        x = nn.functional.max_pool2d(x, 4, 4)
        x = self.fc(x.permute(0, 2, 3, 1).flatten(1))
        return torch.sigmoid(x) if end else x


def eight():
    """8 bits, weights by tensor and by channel, padding, groups, strides, biases, a Gemm and a softmax."""
    return (3, 11, 12), nn.Sequential(
        qnn.QuantIdentity(act_quant=Pixels),
        qnn.QuantConv2d(3, 6, 3, padding=1, bias=False, weight_quant=Int8WeightPerTensorFloat), nn.BatchNorm2d(6),
        qnn.QuantReLU(act_quant=Relu), nn.MaxPool2d(3, 2),
        qnn.QuantConv2d(6, 6, 3, padding=(1, 0), groups=3, bias=True, weight_quant=Int8WeightPerChannelFloat),
        qnn.QuantReLU(act_quant=Relu),
        qnn.QuantConv2d(6, 4, 2, bias=False, weight_quant=Int8WeightPerTensorFloat), qnn.QuantReLU(act_quant=Relu),
        nn.Flatten(), qnn.QuantLinear(4 * 4 * 2, 5, bias=True, weight_quant=Int8WeightPerChannelFloat),
        nn.LogSoftmax(1))


def two():
    """2 and 4 bits, grey, the mean taken off the pixels, a MatMul without a bias, a Dropout."""
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.input = qnn.QuantIdentity(act_quant=Bytes)
            weights = dict(bias=False, weight_quant=Int8WeightPerChannelFloat)
            self.conv0, self.norm0 = qnn.QuantConv2d(1, 8, 3, stride=2, weight_bit_width=4, **weights), nn.BatchNorm2d(8)
            self.conv1, self.norm1 = qnn.QuantConv2d(8, 7, 3, weight_bit_width=2, **weights), nn.BatchNorm2d(7)
            self.fc0, self.norm2 = qnn.QuantLinear(7 * 3 * 2, 9, weight_bit_width=2, **weights), nn.BatchNorm1d(9)
            self.fc1 = qnn.QuantLinear(9, 4, weight_bit_width=3, **weights)
            self.relus = nn.ModuleList(qnn.QuantReLU(act_quant=Relu, bit_width=bits) for bits in (3, 2, 4))
            self.drop, self.scale = nn.Dropout(0.5), nn.Parameter(torch.tensor([0.5, -1.5, 2.0, 1.0]))

        def forward(self, x):
            x = (self.input(x) - 96.0) / 64.0
            x = self.relus[0](self.norm0(self.conv0(x)))
            x = nn.functional.max_pool2d(self.relus[1](self.norm1(self.conv1(x))), 2)
            x = self.relus[2](self.norm2(self.fc0(self.drop(x.flatten(1)))))
            return self.fc1(x) * self.scale

    return (1, 18, 14), Two()


def one():
    """Weights and activations −1 and +1."""
    weights = dict(bias=False, weight_quant=SignedBinaryWeightPerTensorConst)
    sign = lambda: qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst)
    return (1, 6, 8), nn.Sequential(
        qnn.QuantIdentity(act_quant=Pixels),
        qnn.QuantConv2d(1, 12, 3, **weights), nn.BatchNorm2d(12), sign(), nn.MaxPool2d(2), nn.Flatten(),
        qnn.QuantLinear(12 * 2 * 3, 16, **weights), nn.BatchNorm1d(16), sign(),
        qnn.QuantLinear(16, 3, **weights), nn.BatchNorm1d(3))


def shake(model, x):
    """Norms as if trained, some of them falling, to the numbers that stand before them."""
    def before(norm, inputs):
        channels = [i for i in range(inputs[0].dim()) if i != 1]
        norm.running_mean.copy_(inputs[0].mean(channels) + 0.1 * torch.randn(norm.num_features))
        norm.running_var.copy_(inputs[0].var(channels) * (0.5 + torch.rand(norm.num_features)) + 1e-3)
        norm.weight.copy_(0.3 + torch.rand(norm.num_features))
        norm.weight[::4].neg_()
        norm.bias.copy_(0.4 * torch.randn(norm.num_features))

    hooks = [m.register_forward_pre_hook(before) for m in model.modules()
             if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    model(x)
    for hook in hooks:
        hook.remove()


@torch.no_grad()
def make(name, parts, seed, top, dynamo=False, after=None):
    torch.manual_seed(seed)
    shape, model = parts
    pictures = torch.randint(0, 256, (24, *shape), dtype=torch.uint8)
    pictures[::2] //= torch.randint(1, 4, (12, 1, 1, 1), dtype=torch.uint8)
    x = pictures.float() / top
    model.eval()
    shake(model, x)
    logits = model
    if isinstance(model, nn.Sequential) and isinstance(model[-1], nn.LogSoftmax):
        logits = model[:-1]
    y = model(x, end=False) if isinstance(model, Fire) else logits(x)
    y = getattr(y, "value", y)
    export_qonnx(model, args=x[:1], export_path=f"{name}.onnx", dynamo=dynamo)
    if after:
        after(name)
    np.save(f"{name}.pictures.npy", pictures.permute(0, 2, 3, 1).numpy())
    np.save(f"{name}.logits.npy", y.numpy())


def older(name):
    """As Brevitas named the domain before, with the tensors in a file of their own."""
    model = onnx.load(f"{name}.onnx")
    for entry in (*model.graph.node, *model.opset_import):
        if entry.domain == "qonnx.custom_op.general":
            entry.domain = "onnx.brevitas"
    onnx.save(model, f"{name}.onnx", save_as_external_data=True, location=f"{name}.data", size_threshold=256)


def slim(name):
    """The traces of the exporter's own source files would make up most of the file."""
    model = onnx.load(f"{name}.onnx")
    for entry in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output, model.graph):
        del entry.metadata_props[:]
        entry.doc_string = ""
    del model.functions[:]
    onnx.save(model, f"{name}.onnx")  # with what lay in a file of its own
    Path(f"{name}.onnx.data").unlink(missing_ok=True)


if __name__ == "__main__":
    make("w8a8", eight(), 8, 255)
    make("w2a2", two(), 2, 1, after=older)
    make("w1a1", one(), 1, 255, dynamo=True, after=slim)
    make("residual", ((3, 13, 10), Residual()), 3, 255)
    make("fire", ((1, 16, 20), Fire()), 4, 255)
