# SPDX-License-Identifier: MIT
"""Runs an exported QONNX graph node by node in double precision, apart from Brevitas: what `twobit import qonnx` must
equal. (In single precision a sum at a border takes this code or that, by the order of its summands.)"""

import onnx
import torch
from onnx import numpy_helper
from torch.nn import functional as F


def _quant(x, scale, zero, bits, a):
    """Halves to the even code. What is single precision, a weight, gets its code as the exporter computes it."""
    low = -(2.0 ** (bits - 1)) + a["narrow"] if a["signed"] else 0.0
    high = 2.0 ** (bits - 1) - 1 if a["signed"] else 2.0**bits - 1 - a["narrow"]
    codes = torch.round(x / scale.to(x.dtype) + zero.to(x.dtype)).clamp(low, high)
    return (codes.double() - zero.double()) * scale.double()


def _norm(x, gain, bias, mean, var, a):
    return F.batch_norm(x, mean.double(), var.double(), gain.double(), bias.double(), eps=a["epsilon"])


OPERATORS = {
    "Quant": lambda a, x, scale, zero, bits: _quant(x, scale, zero, float(bits), a),
    "Conv": lambda a, x, weight: F.conv2d(x, weight, None, a["strides"], a["pads"][:2]),
    "BatchNormalization": lambda a, *inputs: _norm(*inputs, a),
    "Relu": lambda a, x: x.relu(),
    "MaxPool": lambda a, x: F.max_pool2d(x, a["kernel_shape"], a["strides"]),
    "Flatten": lambda a, x: x.flatten(1),
    "Transpose": lambda a, x: x.permute(*a["perm"]),
    "MatMul": lambda a, x, weight: x @ weight,
    "Gemm": lambda a, x, weight, bias: x @ (weight.T if a.get("transB") else weight) + bias.double(),
    "Div": lambda a, x, by: x / by.double(),
    "Constant": lambda a: torch.from_numpy(numpy_helper.to_array(a["value"]).copy()),
}


def _run(graph, values, x):
    values = dict(values)
    values[next(i.name for i in graph.input if i.name not in values)] = x
    for node in graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        values[node.output[0]] = OPERATORS[node.op_type](attributes, *(values[name] for name in node.input))
    return values[graph.output[0].name]


@torch.no_grad()
def logits(path, pictures, batch=100):
    """Of bytes N×H×W×C."""
    graph = onnx.load(path).graph
    values = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    parts = [_run(graph, values, pictures[i : i + batch].permute(0, 3, 1, 2).double() / 255)
             for i in range(0, len(pictures), batch)]
    return torch.cat(parts)
