# SPDX-License-Identifier: MIT
"""A network's layers as primitives of oneDNN 3, called by its C interface: u8 codes, s8 weights, ReLU fused."""
import ctypes
import pathlib
import sys
from ctypes import POINTER, byref, c_float, c_int, c_int64, c_void_p

import numpy as np

from networks import output_scale, weights_of

# The numbers of dnnl_types.h.
S32, S8, U8, F32 = 4, 5, 6, 3
INFERENCE, DIRECT, RELU, MAX, AVERAGE, ADD = 96, 1, 0x20, 0x1ff, 0x3ff, 0x1fff0
SRC, SRC_1, DST, WEIGHTS, BIAS, SCALES = 1, 2, 17, 33, 41, 4096
QUERY_SRC, QUERY_WEIGHTS, QUERY_DST = 129, 131, 133
TAG_ANY, CPU, IN_ORDER, ALLOCATE = 1, 1, 1, c_void_p(-1)


class Argument(ctypes.Structure):
    _fields_ = [("number", c_int), ("memory", c_void_p)]


def library():
    found = sorted(pathlib.Path(sys.prefix, "lib").glob("libdnnl.so.3*"))
    return ctypes.CDLL(str(found[0] if found else "libdnnl.so.3"))


DNNL = library()
DNNL.dnnl_primitive_desc_query_md.restype = c_void_p


def call(name, *arguments):
    status = getattr(DNNL, "dnnl_" + name)(*arguments)
    if status:
        raise RuntimeError(f"dnnl_{name} returned {status}")


def make(name, *arguments):
    out = c_void_p()
    call(name, byref(out), *arguments)
    return out


def dims(*numbers):
    return (c_int64 * len(numbers))(*numbers)


def any_layout(shape, kind):
    return make("memory_desc_create_with_tag", len(shape), dims(*shape), kind, TAG_ANY)


def layout(shape, kind, order):
    """order: of the dimensions, the outermost first."""
    strides, step = [0] * len(shape), 1
    for axis in reversed(order):
        strides[axis] = step
        step *= shape[axis]
    return make("memory_desc_create_with_strides", len(shape), dims(*shape), kind, dims(*strides))


def plain(shape, kind):
    return layout(shape, kind, range(len(shape)))


class Runner:
    def __init__(self, layers, batch):
        self.engine = make("engine_create", CPU, ctypes.c_size_t(0))
        self.stream = make("stream_create", self.engine, IN_ORDER)
        self.layers, self.batch, self.steps, self.kept = layers, batch, [], []
        shape = (batch, *layers[0].shape_in)
        order = (0, 2, 3, 1)
        tensors = [(layout(shape, U8, order), self.memory(layout(shape, U8, order)))]
        for number, layer in enumerate(layers):
            reads = [tensors[i + 1] for i in layer.reads]
            build = {"conv": self.convolution, "fc": self.inner_product, "add": self.add}.get(layer.kind, self.pool)
            tensors.append(build(layer, number, reads))

    def memory(self, description, array=None):
        memory = make("memory_create", description, self.engine, ALLOCATE)
        if array is not None:
            handle = c_void_p()
            call("memory_get_data_handle", memory, byref(handle))
            array = np.ascontiguousarray(array)
            ctypes.memmove(handle, array.ctypes.data, array.nbytes)
        return memory

    def step(self, description, arguments, now=False):
        primitive = make("primitive_create", description)
        packed = (Argument * len(arguments))(*[Argument(k, v.value) for k, v in arguments.items()])
        if now:
            call("primitive_execute", primitive, self.stream, len(packed), packed)
            call("stream_wait", self.stream)
        else:
            self.steps.append((primitive, len(packed), packed))
        self.kept.append(arguments)

    def reordered(self, have, memory, want, now=False):
        DNNL.dnnl_memory_desc_equal.argtypes = [c_void_p, c_void_p]
        if DNNL.dnnl_memory_desc_equal(have, want):
            return memory
        out = self.memory(want)
        self.step(make("reorder_primitive_desc_create", have, self.engine, want, self.engine, None),
                  {SRC: memory, DST: out}, now)
        return out

    def attributes(self, layer, per_channel):
        attributes, operations = make("primitive_attr_create"), make("post_ops_create")
        if layer.relu:
            call("post_ops_append_eltwise", operations, RELU, c_float(0), c_float(0))
        call("primitive_attr_set_post_ops", attributes, operations)
        call("primitive_attr_set_scales_mask", attributes, WEIGHTS, per_channel)
        return attributes

    def query(self, primitive, what):
        return c_void_p(DNNL.dnnl_primitive_desc_query_md(primitive, what, 0))

    def finish_weighted(self, layer, number, reads, description, weights):
        """weights: the plain description of them. Reorders them now and the codes at each run."""
        values, bias = weights_of(layer, number)
        channels = layer.shape_out[0]
        have, memory = reads[0]
        out = self.query(description, QUERY_DST)
        scale = np.full(channels, 1 / output_scale(layer), np.float32)
        arguments = {
            SRC: self.reordered(have, memory, self.query(description, QUERY_SRC)),
            WEIGHTS: self.reordered(weights, self.memory(weights, values), self.query(description, QUERY_WEIGHTS),
                                    now=True),
            BIAS: self.memory(plain([channels], S32), bias),
            DST: self.memory(out),
            SCALES | WEIGHTS: self.memory(plain([channels], F32), scale)}
        self.step(description, arguments)
        return out, arguments[DST]

    def convolution(self, layer, number, reads):
        shape = layer.weight_shape()
        if layer.groups > 1:
            shape = (layer.groups, shape[0] // layer.groups, *shape[1:])
        top, left, bottom, right = layer.pads
        description = make(
            "convolution_forward_primitive_desc_create", self.engine, INFERENCE, DIRECT,
            any_layout((self.batch, *layer.shape_in), U8), any_layout(shape, S8),
            plain([layer.shape_out[0]], S32), any_layout((self.batch, *layer.shape_out), U8), dims(*layer.stride),
            dims(0, 0), dims(top, left), dims(bottom, right), self.attributes(layer, 3 if layer.groups > 1 else 1))
        return self.finish_weighted(layer, number, reads, description, plain(shape, S8))

    def inner_product(self, layer, number, reads):
        shape, source = layer.weight_shape(), (self.batch, *layer.shape_in)
        if layer.kernel == (1, 1) and layer.reads[0] >= 0:
            shape, source = shape[:2], source[:2]
            have = plain(source, U8)
            reads = [(have, self.flattened(reads[0], layer))]
        description = make(
            "inner_product_forward_primitive_desc_create", self.engine, INFERENCE, any_layout(source, U8),
            any_layout(shape, S8), plain([layer.shape_out[0]], S32),
            plain((self.batch, layer.shape_out[0]), U8), self.attributes(layer, 1))
        return self.finish_weighted(layer, number, reads, description, plain(shape, S8))

    def flattened(self, tensor, layer):
        """The memory of [batch, channels]: of one pixel, whose layout may be blocked."""
        have, memory = tensor
        if self.layers[layer.reads[0]].kind == "fc":
            return memory
        shape = (self.batch, *layer.shape_in)
        memory = self.reordered(have, memory, layout(shape, U8, (0, 2, 3, 1)))
        handle = c_void_p()
        call("memory_get_data_handle", memory, byref(handle))
        return make("memory_create", plain(shape[:2], U8), self.engine, handle)

    def pool(self, layer, _number, reads):
        have, memory = reads[0]
        top, left, bottom, right = layer.pads
        description = make(
            "pooling_forward_primitive_desc_create", self.engine, INFERENCE,
            MAX if layer.kind == "maxpool" else AVERAGE, have, any_layout((self.batch, *layer.shape_out), U8),
            dims(*layer.stride), dims(*layer.kernel), dims(0, 0), dims(top, left), dims(bottom, right), None)
        out = self.query(description, QUERY_DST)
        made = self.memory(out)
        self.step(description, {SRC: memory, DST: made})
        return out, made

    def add(self, layer, _number, reads):
        (first, a), (second, b) = reads
        description = make("binary_primitive_desc_create", self.engine, ADD, first, second,
                           any_layout((self.batch, *layer.shape_out), U8), None)
        out = self.query(description, QUERY_DST)
        made = self.memory(out)
        self.step(description, {SRC: a, SRC_1: b, DST: made})
        return out, made

    def run(self):
        execute = DNNL.dnnl_primitive_execute
        for primitive, count, arguments in self.steps:
            execute(primitive, self.stream, count, arguments)
        DNNL.dnnl_stream_wait(self.stream)
