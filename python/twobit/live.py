# SPDX-License-Identifier: MIT
"""The pipeline on a camera or pictures, as a loop over its results."""
import ctypes
import errno
import os
from typing import NamedTuple, Optional

import numpy

from ._library import TOP, CLiveOptions, CResult, call, library
from .network import Answer, Network

ATTENTION = 0.1  # s after which an interrupted program (Ctrl-C) is noticed


class Result(NamedTuple):
    frame: int  # the source's count, from 0
    time: float  # when it was captured, s, as time.monotonic()
    latency: float  # from then to its answer, s
    absent: Optional[str]  # there is no picture now, as the camera is away: why; picture and answer are None then
    picture: Optional[numpy.ndarray]  # uint8 [height, width, 3], RGB: a view, which lasts until the next result
    answer: Optional[Answer]


def live(source=None, network="imagenet", *, size=(0, 0), rate=0, every_frame=False, frames=0, threads=1, pl=None, kernels=None,
         top_k=5):
    """Yields a Result for each picture that the network has seen: for result in twobit.live("/dev/video0").

    source: None for the first camera, a camera, pictures (a file, a folder), or "test". network: a Network or a name.
    size: (width, height) of a camera's pictures. every_frame: leaves none out, as fast as the loop takes them; else the
    newest wins. frames: after which it ends. pl: None for the PL if there is one, "software", "overlay" ...
    """
    net = network if isinstance(network, Network) else Network(network)
    options = CLiveOptions(ctypes.sizeof(CLiveOptions), *size, rate, every_frame, frames, threads,
                           kernels.encode() if kernels else None, pl.encode() if pl else None)
    handle = ctypes.c_void_p()
    call("twobit_live_open", net.handle, None if source is None else os.fsencode(source), ctypes.byref(options),
         ctypes.byref(handle))
    return _results(net, handle, top_k)


def _results(net, handle, top_k):
    if not 0 <= top_k <= TOP:
        raise ValueError(f"top_k is 0 to {TOP}, not {top_k}")
    result = CResult()
    try:
        while True:
            try:
                came = call("twobit_live_next", handle, ATTENTION, ctypes.byref(result), ctypes.sizeof(result))
            except OSError as end:
                if end.errno != errno.ENODATA:
                    raise
                return
            if came:
                yield _result_of(net, result, top_k)
    finally:
        library.twobit_live_close(handle)


def _result_of(net, c, top_k):
    if c.absent:
        return Result(c.frame, c.time, c.latency, c.absent.decode(), None, None)
    shape = (c.picture.height, c.picture.width, 4)
    pixels = numpy.ctypeslib.as_array(ctypes.cast(c.picture.pixels, ctypes.POINTER(ctypes.c_uint8)), shape)
    return Result(c.frame, c.time, c.latency, None, pixels[..., 2::-1], net.told(c.answer, top_k))
