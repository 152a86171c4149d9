# SPDX-License-Identifier: MIT
"""Networks: what they are, and what they say of pictures and codes."""
import contextlib
import ctypes
import os
import threading
import weakref
from ctypes import byref, c_void_p
from typing import NamedTuple, Optional, Tuple

import numpy

from ._library import HERE, SUMS, TOP, CAnswer, CArea, CEngineOptions, CLayer, CPicture, call, library
from .picture import as_picture

INPUT = -1  # the network's input, where a layer's output could be meant


class Tensor(NamedTuple):
    shape: Tuple[int, int, int]  # height, width, channels
    bits: int  # 1, 2, 4, 8: codes, uint8; 32: sums, int32

    @property
    def dtype(self):
        return numpy.dtype(numpy.int32 if self.bits == SUMS else numpy.uint8)


class Layer(NamedTuple):
    index: int
    name: str
    kind: str  # "conv", "fully_connected", "max_pool", "average_pool", "add", "concat" ...
    inputs: Tuple[int, ...]  # the layers that it reads, or INPUT
    output: Tensor
    kernel: Tuple[int, int]  # height, width
    stride: Tuple[int, int]
    groups: int
    weight_bits: int  # 0: it has no weights
    operations: int  # multiply-accumulates for a picture


class Prediction(NamedTuple):
    label: str
    confidence: float  # softmax, 0 ... 1
    index: int  # of the class


class Area(NamedTuple):
    x: int
    y: int
    width: int
    height: int


class Answer(NamedTuple):
    name: Optional[str]  # the one word for it, a label or a group of labels; None: nothing known is seen
    confidence: float  # of that
    top: Tuple[Prediction, ...]  # the likeliest first; empty: there was nothing to look at, such as no face
    area: Area  # where the network looked, pixels


def _open(name):
    """A network by its name or folder; the wheel brings some along."""
    handle = c_void_p()
    own = os.path.join(HERE, "networks", os.fsdecode(name))
    try:
        call("twobit_network_open", os.fsencode(name), byref(handle))
    except FileNotFoundError:
        if os.sep in os.fsdecode(name) or not os.path.isdir(own):
            raise
        call("twobit_network_open", os.fsencode(own), byref(handle))
    return handle


def _take(array, tensor, what, leading=()):
    """The array as a tensor's memory: copied only if it has gaps."""
    array = numpy.asarray(array)
    if array.shape != leading + tensor.shape or array.dtype != tensor.dtype:
        raise ValueError(f"{what} is {tensor.dtype} {leading + tensor.shape}, not {array.dtype} {array.shape}")
    return numpy.ascontiguousarray(array)


class Network:
    """A network, and an engine that computes it.

    name: that of a network, such as "imagenet", or its folder. batch: pictures that are computed together; threads: that
    share the work; kernels: None for the fastest, "scalar", "avx2" ... None of the three changes a bit of any result.
    Threads may share a Network: one computes at a time.
    """

    def __init__(self, name, *, batch=1, threads=1, kernels=None):
        self._network = _open(name)
        self._engines = {}  # by the first layer and the one behind the last
        self._lock = threading.Lock()
        self._close = weakref.finalize(self, _finish, self._network, self._engines)
        self._options = batch, threads, kernels.encode() if kernels else None
        count = library.twobit_network_layers(self._network)
        self._engine(0, count)
        classes = library.twobit_network_classes(self._network)
        self.name = library.twobit_network_name(self._network).decode()
        self.folder = os.fsdecode(library.twobit_network_folder(self._network))
        self.labels = tuple(library.twobit_network_label(self._network, i).decode() for i in range(classes))
        self.input = self._tensor(INPUT)
        self.layers = tuple(self._layer(i) for i in range(count))

    def close(self):
        """Frees the memory, which else happens with the last reference."""
        with self._lock:
            self._close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        return f"<twobit.Network {self.name}: {len(self.layers)} layers, {len(self.labels)} classes>"

    def classify(self, pictures, top_k=5, *, order="RGB", origin="file"):
        """What is seen: an Answer for an array [height, width(, channels)], a list of them for a list or 4 dimensions.

        order: "BGR" for pictures of OpenCV. origin: "camera" looks at the box that people hold things into, if the network
        has one; "dataset" at the middle.
        """
        one = isinstance(pictures, numpy.ndarray) and pictures.ndim < 4
        taken = [as_picture(p, order, origin) for p in ([pictures] if one else pictures)]
        answers = (CAnswer * len(taken))()
        if not 0 <= top_k <= TOP:
            raise ValueError(f"top_k is 0 to {TOP}, not {top_k}")
        with self._opened():
            call("twobit_engine_classify", self._engine(0, len(self.layers)), (CPicture * len(taken))(*(p for p, _ in taken)), len(taken), answers)
        found = [self.told(answer, top_k) for answer in answers]
        return found[0] if one else found

    def codes(self, picture, *, order="RGB", origin="file"):
        """The network's input, made of a picture; None if there is nothing to look at, such as no face."""
        struct, owner = as_picture(picture, order, origin)
        out = numpy.empty(self.input.shape, self.input.dtype)
        with self._opened():
            looked = call("twobit_picture_codes", self._network, byref(struct), out.ctypes.data, byref(CArea()))
        del owner
        return out if looked else None

    def run(self, codes, *, first=0, last=None):
        """The last layer's output for one input, or for several: [count, height, width, channels]. Scores are int32.

        first: the layer to begin with, whose input `codes` are; last: the one before which to end; an index or a name. The
        layers in between may read only each other and the output of the layer before the first.
        """
        begin, end = self.layer(first).index, len(self.layers) if last in (None, len(self.layers)) else self.layer(last).index
        if begin >= end:
            raise ValueError(f"there is no layer from {first!r} to before {last!r}")
        codes, out = numpy.asarray(codes), self.layers[end - 1].output
        leading = codes.shape[:1] if codes.ndim == 4 else ()
        codes = _take(codes, self.layers[begin - 1].output if begin else self.input, "the input", leading)
        made = numpy.empty(leading + out.shape, out.dtype)
        with self._opened():
            call("twobit_engine_run", self._engine(begin, end), codes.ctypes.data, made.ctypes.data, leading[0] if leading else 1)
        return made

    def run_layer(self, layer, *inputs):
        """One layer's output, by the specification's plain loops; layer: its index or name; inputs: as layer.inputs."""
        found = self.layer(layer)
        if len(inputs) != len(found.inputs):
            raise ValueError(f"{found.name} reads {len(found.inputs)} layers, not {len(inputs)}")
        taken = [_take(array, self.input if source == INPUT else self.layers[source].output, f"an input of {found.name}")
                 for array, source in zip(inputs, found.inputs)]
        out = numpy.empty(found.output.shape, found.output.dtype)
        pointers = (c_void_p * len(taken))(*(array.ctypes.data for array in taken))
        with self._opened():
            call("twobit_layer_run", self._network, found.index, pointers, out.ctypes.data)
        return out

    def answer(self, scores, top_k=5):
        """What scores say, int32 [classes] in any shape; the area is empty."""
        answer = CAnswer()
        scores = _take(numpy.reshape(scores, -1), Tensor((len(self.labels),), SUMS), "the scores")
        with self._opened():
            call("twobit_network_answer", self._network, scores.ctypes.data, byref(answer))
        return self.told(answer, top_k)

    def layer(self, layer):
        """The layer of an index or a name."""
        found = [each for each in self.layers if layer in (each.index, each.name)]
        if not found:
            raise ValueError(f"{self.name} has no layer {layer!r}: they are {', '.join(each.name for each in self.layers)}")
        return found[0]

    def told(self, c, top_k):
        """The library's own answer as an Answer; for modules of this package, as `handle`."""
        top = tuple(Prediction(self.labels[p.index], p.confidence, p.index) for p in c.top[:min(c.count, top_k)])
        return Answer(c.name.decode() if c.name else None, c.confidence, top,
                      Area(c.area.x, c.area.y, c.area.width, c.area.height))

    @property
    def handle(self):
        """struct twobit_network *"""
        with self._opened():
            return self._network

    @contextlib.contextmanager
    def _opened(self):
        with self._lock:
            if not self._close.alive:
                raise ValueError(f"the network {self.name} is closed")
            yield

    def _engine(self, first, last):
        """That for these layers, made when it is first asked for."""
        if (first, last) not in self._engines:
            engine = c_void_p()
            options = CEngineOptions(ctypes.sizeof(CEngineOptions), first, last, *self._options)
            call("twobit_engine_open", self._network, byref(options), byref(engine))
            self._engines[first, last] = engine
        return self._engines[first, last]

    def _tensor(self, layer):
        t = library.twobit_network_tensor(self._network, layer)
        return Tensor((t.height, t.width, t.channels), t.bits)

    def _layer(self, index):
        c = CLayer()
        call("twobit_network_layer", self._network, index, byref(c), ctypes.sizeof(c))
        return Layer(index, c.name.decode(), c.kind.decode(), tuple(c.sources[:c.inputs]), self._tensor(index),
                     (c.kernel_height, c.kernel_width), (c.stride_height, c.stride_width), c.groups, c.weight_bits,
                     c.operations)


def _finish(network, engines):
    for engine in engines.values():
        library.twobit_engine_close(engine)
    library.twobit_network_close(network)
