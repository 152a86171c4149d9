# SPDX-License-Identifier: MIT
"""A network's shapes as an ONNX model of 8-bit integers (QDQ): weights for each channel, codes for each tensor."""
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from networks import output_scale, weights_of

CODES_SCALE = 1 / 64


class Builder:
    """Nodes and constants; every tensor of codes has the same scale, which the weights' scales make up for."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.array(array), name))
        return name

    def add(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def dequantised(self, name, codes, scale, **attributes):
        scale = np.asarray(scale, np.float32)
        zero = np.zeros(scale.shape, codes.dtype)
        inputs = [self.constant(name + ".codes", codes), self.constant(name + ".scale", scale),
                  self.constant(name + ".zero", zero)]
        return self.add("DequantizeLinear", inputs, name, **attributes)

    def through_codes(self, name, tensor):
        scale = self.constant(name + ".step", np.float32(CODES_SCALE))
        zero = self.constant(name + ".origin", np.uint8(0))
        self.add("QuantizeLinear", [tensor, scale, zero], name + ".q")
        return self.add("DequantizeLinear", [name + ".q", scale, zero], name + ".dq")

    def weighted(self, layer, number, tensor, flat):
        weights, bias = weights_of(layer, number)
        channels = layer.shape_out[0]
        scale = np.full(channels, 1 / output_scale(layer), np.float32)
        name = f"l{number}"
        if layer.kind == "fc":  # onnxruntime's QGemm wants one scale
            scale = scale[0]
            if not flat:  # which must not stand between the codes and the Gemm
                tensor = self.through_codes(name + ".in", self.add("Flatten", [tensor], name + ".flat", axis=1))
            weights = weights.reshape(channels, -1)
        axis = {"axis": 0} if scale.ndim else {}
        inputs = [tensor, self.dequantised(name + ".w", weights, scale, **axis),
                  self.dequantised(name + ".b", bias, scale * np.float32(CODES_SCALE), **axis)]
        if layer.kind == "fc":
            tensor = self.add("Gemm", inputs, name, transB=1)
        else:
            tensor = self.add("Conv", inputs, name, kernel_shape=layer.kernel, strides=layer.stride, pads=layer.pads,
                              group=layer.groups)
        return self.add("Relu", [tensor], name + ".relu") if layer.relu else tensor

    def layer(self, layer, number, reads, flat):
        name = f"l{number}"
        if layer.kind in ("conv", "fc"):
            return self.weighted(layer, number, reads[0], flat)
        if layer.kind == "add":
            return self.add("Add", reads, name)
        kind = "MaxPool" if layer.kind == "maxpool" else "AveragePool"
        return self.add(kind, reads, name, kernel_shape=layer.kernel, strides=layer.stride, pads=layer.pads)


def make_onnx(layers, batch):
    """The serialised model; input u8 [batch, channels, height, width]."""
    builder = Builder()
    scale = builder.constant("x.scale", np.float32(CODES_SCALE))
    tensors = [builder.add("DequantizeLinear", ["x", scale, builder.constant("x.zero", np.uint8(0))], "x.dq")]
    for number, layer in enumerate(layers):
        flat = layer.reads[0] >= 0 and layers[layer.reads[0]].kind == "fc"
        made = builder.layer(layer, number, [tensors[i + 1] for i in layer.reads], flat)
        tensors.append(made if number == len(layers) - 1 else builder.through_codes(f"t{number}", made))
    builder.add("Identity", [tensors[-1]], "y")
    graph = helper.make_graph(
        builder.nodes, "network",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [batch, *layers[0].shape_in])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, layers[-1].shape_out[0]])], builder.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    return model.SerializeToString()
