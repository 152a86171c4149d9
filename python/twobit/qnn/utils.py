# SPDX-License-Identifier: MIT
"""The layers that QNN-MO-PYNQ's notebooks compute in Python, and what they do with scores."""
import numpy


def conv_layer(x, W, b=None, stride=1, padding=0):
    """x: [1, height, width, in]; W: [out, in, k, k]; b: as broadcast to [out, pixels]. Returns [out, height, width]."""
    x = numpy.pad(x[0], ((padding, padding), (padding, padding), (0, 0)))
    windows = numpy.lib.stride_tricks.sliding_window_view(x, W.shape[2:], (0, 1))[::stride, ::stride]
    out = numpy.tensordot(W, windows, ((1, 2, 3), (2, 3, 4)))
    return out if b is None else (out.reshape(len(W), -1) + b).reshape(out.shape)


def threshold(x, t):
    """How many of the thresholds each number is above."""
    return (x[numpy.newaxis] > numpy.reshape(t, (-1,) + (1,) * x.ndim)).sum(0)


def fully_connected(x, W, b):
    return numpy.dot(x, W) + b


def qrelu(x):
    return x.clip(0, 1)


def quantize(x, k):
    """x in 0 ... 1, at the nearest of 2^k levels."""
    return numpy.round(x * (2**k - 1)) / (2**k - 1)


def softmax(x):
    e = numpy.exp(x - numpy.max(x))
    return e / e.sum()


def get_topn_indexes(scores, n):
    """Of the n highest scores, the highest first."""
    return numpy.argsort(scores)[-n:][::-1]
