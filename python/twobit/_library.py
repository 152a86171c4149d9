# SPDX-License-Identifier: MIT
"""libtwobit by ctypes: the structs and functions of twobit.h, and errors as exceptions."""
import ctypes
import errno
import os
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int, c_size_t, c_ssize_t, c_uint64, c_void_p

HERE = os.path.dirname(os.path.abspath(__file__))
SONAME = "libtwobit.so.0"

SUMS = 32  # bits of a tensor of int32
TOP = 10


class CError(ctypes.Structure):
    _fields_ = [("code", c_int), ("text", ctypes.c_char * 512)]


class CTensor(ctypes.Structure):
    _fields_ = [(name, c_int) for name in ("height", "width", "channels", "bits")]


class CLayer(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("kind", c_char_p), ("inputs", c_int), ("sources", c_int * 8), ("kernel_height", c_int),
                ("kernel_width", c_int), ("stride_height", c_int), ("stride_width", c_int), ("groups", c_int),
                ("weight_bits", c_int), ("operations", c_uint64)]


class CPicture(ctypes.Structure):
    _fields_ = [("width", c_int), ("height", c_int), ("format", c_int), ("origin", c_int), ("pixels", c_void_p),
                ("stride", c_ssize_t)]


class CArea(ctypes.Structure):
    _fields_ = [(name, c_int) for name in ("x", "y", "width", "height")]


class CPrediction(ctypes.Structure):
    _fields_ = [("index", c_int), ("confidence", c_float)]


class CAnswer(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("confidence", c_float), ("count", c_int), ("top", CPrediction * TOP), ("area", CArea),
                ("reserved", c_void_p * 4)]


class CEngineOptions(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("first", c_int), ("last", c_int), ("batch", c_int), ("threads", c_int),
                ("kernels", c_char_p)]


class CLiveOptions(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("width", c_int), ("height", c_int), ("rate", c_double), ("every_frame", c_int),
                ("frames", c_uint64), ("threads", c_int), ("kernels", c_char_p), ("pl", c_char_p)]


class CResult(ctypes.Structure):
    _fields_ = [("frame", c_uint64), ("time", c_double), ("latency", c_double), ("absent", c_char_p), ("picture", CPicture),
                ("answer", CAnswer)]


RESULT_FUNCTION = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(CResult))

# What each function returns and takes; the last argument of those that can fail is the error.
FUNCTIONS = {
    "twobit_version": (c_char_p,),
    "twobit_network_open": (c_int, c_char_p, POINTER(c_void_p), POINTER(CError)),
    "twobit_network_close": (None, c_void_p),
    "twobit_network_name": (c_char_p, c_void_p),
    "twobit_network_folder": (c_char_p, c_void_p),
    "twobit_network_classes": (c_int, c_void_p),
    "twobit_network_label": (c_char_p, c_void_p, c_int),
    "twobit_network_layers": (c_int, c_void_p),
    "twobit_network_tensor": (CTensor, c_void_p, c_int),
    "twobit_network_layer": (c_int, c_void_p, c_int, POINTER(CLayer), c_size_t, POINTER(CError)),
    "twobit_layer_run": (c_int, c_void_p, c_int, POINTER(c_void_p), c_void_p, POINTER(CError)),
    "twobit_picture_read": (c_int, c_char_p, c_size_t, POINTER(CPicture), POINTER(CError)),
    "twobit_picture_read_file": (c_int, c_char_p, POINTER(CPicture), POINTER(CError)),
    "twobit_picture_free": (None, POINTER(CPicture)),
    "twobit_picture_codes": (c_int, c_void_p, POINTER(CPicture), c_void_p, POINTER(CArea), POINTER(CError)),
    "twobit_network_answer": (c_int, c_void_p, c_void_p, POINTER(CAnswer), POINTER(CError)),
    "twobit_engine_open": (c_int, c_void_p, POINTER(CEngineOptions), POINTER(c_void_p), POINTER(CError)),
    "twobit_engine_close": (None, c_void_p),
    "twobit_engine_run": (c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(CError)),
    "twobit_engine_classify": (c_int, c_void_p, POINTER(CPicture), c_int, POINTER(CAnswer), POINTER(CError)),
    "twobit_live_open": (c_int, c_void_p, c_char_p, POINTER(CLiveOptions), POINTER(c_void_p), POINTER(CError)),
    "twobit_live_next": (c_int, c_void_p, c_double, POINTER(CResult), c_size_t, POINTER(CError)),
    "twobit_live_run": (c_int, c_void_p, RESULT_FUNCTION, c_void_p, POINTER(CError)),
    "twobit_live_stop": (None, c_void_p),
    "twobit_live_close": (None, c_void_p),
}


def _load():
    """The library that $TWOBIT_LIBRARY names, that of the wheel, or the system's."""
    beside = os.path.join(HERE, SONAME)
    path = os.environ.get("TWOBIT_LIBRARY") or (beside if os.path.exists(beside) else SONAME)
    try:
        library = ctypes.CDLL(path)
    except OSError as cause:
        raise ImportError(f"libtwobit cannot be loaded ({cause}): install libtwobit0, or set TWOBIT_LIBRARY to {SONAME}") from None
    for name, (result, *arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


library = _load()


def call(name, *arguments):
    """Calls a function that can fail; returns what it does if that is not an error."""
    error = CError()
    status = getattr(library, name)(*arguments, byref(error))
    if status >= 0:
        return status
    text = error.text.decode("utf-8", "replace")
    if status in (-errno.EINVAL, -errno.EBADMSG):
        raise ValueError(text)
    if status == -errno.ENOMEM:
        raise MemoryError(text)
    raise OSError(-status, text)
