# SPDX-License-Identifier: MIT
"""A network's shapes as a LiteRT model of 8-bit integers, without TensorFlow: by the schema of the file format."""
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from networks import output_scale, weights_of

CODES_SCALE = 1 / 64
CODES_ZERO = -128  # codes are signed there


class Builder:
    def __init__(self, batch):
        self.batch = batch
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.buffers, self.codes = [schema.BufferT()], []

    def tensor(self, shape, kind, scale, zero, data=None):
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.name = list(shape), kind, f"t{len(self.graph.tensors)}"
        if scale is not None:
            scale = np.atleast_1d(np.asarray(scale, np.float32))
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = scale.tolist()
            tensor.quantization.zeroPoint = [zero] * len(scale)
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.buffers.append(buffer)
            tensor.buffer = len(self.buffers) - 1
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def activation(self, channels, height, width):
        return self.tensor([self.batch, height, width, channels], schema.TensorType.INT8, CODES_SCALE, CODES_ZERO)

    def operator(self, name, inputs, output, options=None):
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 2 if name == "PAD" else 3
        self.codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = len(self.codes) - 1, inputs, [output]
        if options:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self.graph.operators.append(operator)
        return output

    def padded(self, layer, tensor):
        """The tensor, and how the layer pads: SAME where that gives its padding, else a PAD before it."""
        spans = [(layer.shape_out[i + 1] - 1) * layer.stride[i] + layer.kernel[i] for i in range(2)]
        missing = [max(spans[i] - layer.shape_in[i + 1], 0) for i in range(2)]
        same = [missing[0] // 2, missing[1] // 2, missing[0] - missing[0] // 2, missing[1] - missing[1] // 2]
        if not any(layer.pads):
            return tensor, schema.Padding.VALID
        if list(layer.pads) == same:
            return tensor, schema.Padding.SAME
        top, left, bottom, right = layer.pads
        channels, height, width = layer.shape_in
        pads = np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32)
        wide = self.activation(channels, height + top + bottom, width + left + right)
        inputs = [tensor, self.tensor([4, 2], schema.TensorType.INT32, None, 0, pads)]
        return self.operator("PAD", inputs, wide, schema.PadOptionsT()), schema.Padding.VALID

    def weighted(self, layer, number, tensor, out):
        weights, bias = weights_of(layer, number)
        channels = layer.shape_out[0]
        depthwise = layer.groups > 1 and layer.groups == layer.shape_in[0]
        scale = 1 / output_scale(layer)
        scales = np.full(channels, scale, np.float32)
        if layer.kind == "fc":
            weights, options = weights.transpose(0, 2, 3, 1).reshape(channels, -1), schema.FullyConnectedOptionsT()
            name, weight_scale = "FULLY_CONNECTED", scale
        else:
            options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
            weights = weights.transpose(1, 2, 3, 0) if depthwise else weights.transpose(0, 2, 3, 1)
            name, weight_scale = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", scales
            tensor, options.padding = self.padded(layer, tensor)
            options.strideH, options.strideW = layer.stride
            options.depthMultiplier = 1
        options.fusedActivationFunction = (schema.ActivationFunctionType.RELU if layer.relu
                                           else schema.ActivationFunctionType.NONE)
        inputs = [tensor, self.tensor(weights.shape, schema.TensorType.INT8, weight_scale, 0, weights),
                  self.tensor([channels], schema.TensorType.INT32, np.asarray(weight_scale) * CODES_SCALE, 0, bias)]
        if name != "FULLY_CONNECTED":
            axis = 3 if depthwise else 0
            self.graph.tensors[inputs[1]].quantization.quantizedDimension = axis
        self.operator(name, inputs, out, options)

    def layer(self, layer, number, reads):
        out = self.activation(*layer.shape_out)
        if layer.kind in ("conv", "fc"):
            self.weighted(layer, number, reads[0], out)
        elif layer.kind == "add":
            self.operator("ADD", reads, out, schema.AddOptionsT())
        else:
            options = schema.Pool2DOptionsT()
            tensor, options.padding = self.padded(layer, reads[0])
            options.strideH, options.strideW = layer.stride
            options.filterHeight, options.filterWidth = layer.kernel
            self.operator("MAX_POOL_2D" if layer.kind == "maxpool" else "AVERAGE_POOL_2D", [tensor], out, options)
        if layer.kind == "fc":
            self.graph.tensors[out].shape = [self.batch, layer.shape_out[0]]
        return out


def make_litert(layers, batch):
    """The serialised model; input s8 [batch, height, width, channels]."""
    builder = Builder(batch)
    tensors = [builder.activation(*layers[0].shape_in)]
    for number, layer in enumerate(layers):
        tensors.append(builder.layer(layer, number, [tensors[i + 1] for i in layer.reads]))
    builder.graph.inputs, builder.graph.outputs = [tensors[0]], [tensors[-1]]
    model = schema.ModelT()
    model.version, model.subgraphs = 3, [builder.graph]
    model.buffers, model.operatorCodes = builder.buffers, builder.codes
    file = flatbuffers.Builder(1 << 20)
    file.Finish(model.Pack(file), b"TFL3")
    return bytes(file.Output())
