# SPDX-License-Identifier: MIT
"""The calls of QNN-MO-PYNQ's package `qnn`, on twobit's networks: what its notebooks do runs on any machine.

Write `from twobit.qnn import Dorefanet, utils` for `from qnn import Dorefanet, utils`. The layers between Conv0 and the first
fully connected one stand for the accelerator; the CPU computes them to the same codes. json_layer is the original's list of
layers with its files beside it, of which the command `twobit import qnn-mo` makes a network ($TWOBIT is the program, if it is
not in the path); or one of twobit's networks. Of these, pictures are the 8-bit input, else floats from which the mean was
taken. Codes are not packed: prepare_buffer and postprocess_buffer only change their order.
"""
import json
import os
import subprocess
import tempfile

import numpy

from ..network import Network
from ..picture import read_picture
from . import utils

RUNTIME_HW = "python_hw"
RUNTIME_SW = "python_sw"

__all__ = ["RUNTIME_HW", "RUNTIME_SW", "DorefaNet", "Dorefanet", "utils"]


class Dorefanet:
    latest = "dorefanet"  # what a notebook has loaded, also for objects that it makes later

    def __init__(self, runtime=RUNTIME_HW):
        if runtime not in (RUNTIME_HW, RUNTIME_SW):
            raise ValueError(f"the runtime is {RUNTIME_HW!r} or {RUNTIME_SW!r}, which are the same here, not {runtime!r}")
        self.net = None
        self.mean = None  # of the original's pixels; None: a picture is the network's input
        self.place = None  # of the network that is opened when it is needed

    def init_accelerator(self, bit_file=None, json_network=None, json_layer=None):
        """Without a list of layers it is the one that was loaded last, else "dorefanet". The others the hardware needs."""
        del bit_file, json_network
        self._choose(json_layer or Dorefanet.latest)

    def load_network(self, json_layer="dorefanet"):
        """The layers by their names, as the list of layers has them; that is the original's, a network.json, or a name."""
        self._choose(json_layer)
        Dorefanet.latest = json_layer
        path = json_layer if _is_list(json_layer) else os.path.join(self._opened().folder, "network.json")
        with open(path, encoding="utf-8") as file:
            return {layer.pop("name"): layer for layer in json.load(file)["layers"]}

    def deinit_accelerator(self):
        if self.net:
            self.net.close()
        self.net = self.place = None

    def load_image(self, imgfile):
        """The network's input [1, height, width, channels], and the class that the file's name begins with."""
        codes = self._opened().codes(read_picture(imgfile))
        if codes is None:
            raise ValueError(f"{imgfile}: there is nothing to look at")
        if self.mean is not None:  # the original's pixels are blue, green, red
            codes = ((codes[..., ::-1] - self.mean) / 255).astype(numpy.float32)
        return codes[numpy.newaxis], os.path.basename(imgfile).split("_")[0]

    def conv0(self, img):
        """What utils.conv_layer and utils.threshold make of an image with the original's floats: codes [channels, h, w]."""
        net, pixels = self._opened(), img[0]
        if self.mean is not None:
            pixels = numpy.rint(pixels * 255 + self.mean)[..., ::-1].astype(numpy.uint8)
        return numpy.moveaxis(net.run(pixels, last=self._first()), -1, 0)

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

    def _choose(self, place):
        self.deinit_accelerator()
        self.place = place

    def _opened(self):
        if not self.place:
            raise IOError("no network is open: call init_accelerator before")
        if not self.net:
            self.mean = None
            if _is_list(self.place):
                self.net, self.mean = _import_list(self.place)
            elif str(self.place).endswith(".json"):
                self.net = Network(os.path.dirname(os.path.abspath(self.place)))
            else:
                self.net = Network(self.place)
        return self.net

    def _first(self):
        """The first layer behind Conv0; there is none where a network begins with codes."""
        return 1 if self.net.input.bits == 8 else 0

    def _end(self):
        layers = self.net.layers
        return next((layer.index for layer in layers if layer.kind == "fully_connected"), len(layers))


DorefaNet = Dorefanet


def _is_list(place):
    """The original's list of layers: a file that is not a network's own."""
    return str(place).endswith(".json") and os.path.basename(place) != "network.json"


def _import_list(path):
    """The network of such a list, and the mean of its pixels, if there is one beside it."""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "network")
        done = subprocess.run([os.environ.get("TWOBIT", "twobit"), "import", "qnn-mo", path, target], capture_output=True,
                              check=False, text=True)
        if done.returncode:
            raise ValueError(done.stderr.strip())
        net = Network(target)
    mean = os.path.join(os.path.dirname(path), "ilsvrc_pp_mean.npy")
    if net.input.bits != 8 or not os.path.exists(mean):
        return net, None
    mean = numpy.load(mean)
    height, width, _ = net.input.shape
    top, left = (mean.shape[0] - height) // 2, (mean.shape[1] - width) // 2
    return net, mean[top:top + height, left:left + width]
