# SPDX-License-Identifier: MIT
"""Pictures: NumPy arrays as libtwobit sees them, and picture files as arrays."""
import ctypes
import os
import weakref

import numpy

from ._library import CPicture, call, library

ORIGINS = {"file": 0, "camera": 1, "dataset": 2}
_FORMATS = {(3, "RGB"): 0, (3, "BGR"): 1, (1, "RGB"): 2, (1, "BGR"): 2, (4, "RGB"): 3, (4, "BGR"): 4}
_GREY = 2


def as_picture(array, order="RGB", origin="file"):
    """The array as a struct twobit_picture, and the array that owns its pixels.

    array: uint8 [height, width], or [height, width, 1, 3 or 4], the fourth being ignored. Rows may have any distance, so
    that parts of pictures and pictures upside down are not copied; other gaps are.
    """
    array = numpy.asarray(array)
    if array.dtype != numpy.uint8:
        raise TypeError(f"a picture is an array of uint8, not of {array.dtype}")
    if order not in ("RGB", "BGR"):
        raise ValueError(f"the order of a picture's channels is RGB or BGR, not {order!r}")
    if origin not in ORIGINS:
        raise ValueError(f"a picture is from {', '.join(ORIGINS)}, not from {origin!r}")
    channels = 1 if array.ndim == 2 else array.shape[2] if array.ndim == 3 else 0
    if (channels, order) not in _FORMATS or not array.size:
        raise ValueError(f"a picture has the shape (height, width) or (height, width, 1, 3 or 4), not {array.shape}")
    if array.strides[1:] != ((channels,) if array.ndim == 2 else (channels, 1)):
        array = numpy.ascontiguousarray(array)
    return CPicture(array.shape[1], array.shape[0], _FORMATS[channels, order], ORIGINS[origin], array.ctypes.data,
                    array.strides[0]), array


def read_picture(file):
    """The picture in a file (its path) or in a file's bytes: uint8 [height, width, 3], RGB, upright."""
    picture = CPicture()
    if isinstance(file, (bytes, bytearray, memoryview)):
        data = bytes(file)
        call("twobit_picture_read", data, len(data), ctypes.byref(picture))
    else:
        call("twobit_picture_read_file", os.fsencode(file), ctypes.byref(picture))
    pixels = (ctypes.c_uint8 * (picture.height * picture.width * 3)).from_address(picture.pixels)
    # Each view of the array holds on to `pixels`, and the last one frees them.
    weakref.finalize(pixels, library.twobit_picture_free, picture)
    return numpy.ctypeslib.as_array(pixels).reshape(picture.height, picture.width, 3)
