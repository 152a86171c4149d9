# SPDX-License-Identifier: MIT
"""Runs an exported QONNX graph node by node in double precision, without Brevitas.

`twobit import qonnx` must give the same. (In single precision a sum at a border takes one code or
the next, depending on the order of its summands.)
"""

import onnx
import torch
from onnx import numpy_helper
from torch.nn import functional as F


def _quant(attributes, x, scale, zero, bits):
    """Halves go to the even code. A weight, in single precision, gets the exporter's code."""
    bits, signed, narrow = float(bits), attributes["signed"], attributes["narrow"]
    low = -(2.0 ** (bits - 1)) + narrow if signed else 0.0
    high = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1 - narrow
    codes = torch.round(x / scale.to(x.dtype) + zero.to(x.dtype)).clamp(low, high)
    return (codes.double() - zero.double()) * scale.double()


def _batch_norm(attributes, x, gain, bias, mean, var):
    return F.batch_norm(
        x, mean.double(), var.double(), gain.double(), bias.double(), eps=attributes["epsilon"]
    )


def _gemm(attributes, x, weight, bias):
    return x @ (weight.T if attributes.get("transB") else weight) + bias.double()


# By type of node: a function of its attributes and inputs.
OPERATORS = {
    "Quant": _quant,
    "Conv": lambda a, x, weight: F.conv2d(x, weight, None, a["strides"], a["pads"][:2]),
    "BatchNormalization": _batch_norm,
    "Relu": lambda a, x: x.relu(),
    "MaxPool": lambda a, x: F.max_pool2d(x, a["kernel_shape"], a["strides"]),
    "Flatten": lambda a, x: x.flatten(1),
    "Transpose": lambda a, x: x.permute(*a["perm"]),
    "MatMul": lambda a, x, weight: x @ weight,
    "Gemm": _gemm,
    "Div": lambda a, x, by: x / by.double(),
    "Constant": lambda a: torch.from_numpy(numpy_helper.to_array(a["value"]).copy()),
}


def _run(graph, constants, x):
    values = dict(constants)
    values[next(i.name for i in graph.input if i.name not in values)] = x
    for node in graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        inputs = (values[name] for name in node.input)
        values[node.output[0]] = OPERATORS[node.op_type](attributes, *inputs)
    return values[graph.output[0].name]


@torch.no_grad()
def logits(path, pictures, batch_size=100):
    """The graph's float64 logits (N, classes) of uint8 pictures (N, H, W, C)."""
    graph = onnx.load(path).graph
    constants = {
        i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer
    }
    batches = (batch.permute(0, 3, 1, 2).double() / 255 for batch in pictures.split(batch_size))
    return torch.cat([_run(graph, constants, batch) for batch in batches])
