# SPDX-License-Identifier: MIT
"""The calls of QNN-MO-PYNQ's package `qnn`, on twobit's networks: what its notebooks do runs on any machine.

Write `from twobit.qnn import Dorefanet, utils` for `from qnn import Dorefanet, utils`. The layers between Conv0 and the first
fully connected one stand for the accelerator; the CPU computes them to the same codes. Differences: a network is a folder of
twobit's (`twobit import qnn-mo` makes one of the original's files), pictures are its 8-bit input instead of floats from which
the mean was taken, and codes are not packed, so that prepare_buffer and postprocess_buffer only change their order.
"""
import json
import os

import numpy

from ..network import Network
from ..picture import read_picture
from . import utils

RUNTIME_HW = "python_hw"
RUNTIME_SW = "python_sw"

__all__ = ["RUNTIME_HW", "RUNTIME_SW", "DorefaNet", "Dorefanet", "utils"]


class Dorefanet:
    def __init__(self, runtime=RUNTIME_HW):
        if runtime not in (RUNTIME_HW, RUNTIME_SW):
            raise ValueError(f"the runtime is {RUNTIME_HW!r} or {RUNTIME_SW!r}, which are the same here, not {runtime!r}")
        self.net = None

    def init_accelerator(self, bit_file=None, json_network=None, json_layer="dorefanet"):
        """Opens the network; the first two are what only the original's hardware needs."""
        del bit_file, json_network
        self._open(json_layer)

    def load_network(self, json_layer="dorefanet"):
        """The layers by their names, as the list of layers has them; that is a network.json, its folder, or a name."""
        net = self._open(json_layer)
        with open(os.path.join(net.folder, "network.json"), encoding="utf-8") as file:
            return {layer.pop("name"): layer for layer in json.load(file)["layers"]}

    def deinit_accelerator(self):
        if self.net:
            self.net.close()
        self.net = None

    def load_image(self, imgfile):
        """The network's input [1, height, width, channels], and the class that the file's name begins with."""
        codes = self._opened().codes(read_picture(imgfile))
        if codes is None:
            raise ValueError(f"{imgfile}: there is nothing to look at")
        return codes[numpy.newaxis], os.path.basename(imgfile).split("_")[0]

    def conv0(self, img):
        """What utils.conv_layer and utils.threshold make of an image with the original's floats: codes [channels, h, w]."""
        return numpy.moveaxis(self._opened().run(img[0], last=self._first()), -1, 0)

    def get_accel_buffer(self, channels, dim):
        return numpy.zeros((dim, dim, channels), numpy.uint8)

    def prepare_buffer(self, buffer):
        """[channels, dim, dim] as the accelerator takes it."""
        return numpy.ascontiguousarray(numpy.moveaxis(buffer, 0, -1), numpy.uint8)

    def inference(self, img, out):
        """The accelerator's layers: from a prepared buffer to one of get_accel_buffer."""
        out[...] = self._opened().run(img, first=self._first(), last=self._end()).reshape(out.shape)

    def postprocess_buffer(self, buffer):
        """Its codes in one row."""
        return buffer.reshape(-1).astype(numpy.float32)

    def fully_connected(self, codes):
        """The scores: the layers behind the accelerator's, which the original's notebooks compute with floats."""
        net, end = self._opened(), self._end()
        shape = net.layers[end - 1].output.shape
        return net.run(numpy.reshape(codes, shape).astype(numpy.uint8), first=end).reshape(-1)

    def _open(self, place):
        if str(place).endswith(".json"):
            place = os.path.dirname(os.path.abspath(place))
        net = Network(place)
        self.deinit_accelerator()
        self.net = net
        return net

    def _opened(self):
        if not self.net:
            raise IOError("no network is open: call init_accelerator before")
        return self.net

    def _first(self):
        """The first layer behind Conv0; there is none where a network begins with codes."""
        return 1 if self.net.input.bits == 8 else 0

    def _end(self):
        layers = self.net.layers
        return next((layer.index for layer in layers if layer.kind == "fully_connected"), len(layers))


DorefaNet = Dorefanet
