# SPDX-License-Identifier: MIT
"""twobit: classify pictures with networks of few-bit integers, by libtwobit.

    import twobit
    net = twobit.Network("imagenet")
    answer = net.classify(twobit.read_picture("coffee.jpg"), top_k=5)
    print(answer.name, [(p.label, p.confidence) for p in answer.top])

    for result in twobit.live("/dev/video0"):
        print(result.answer.name)

A picture is an array of uint8, (height, width) or (height, width, 3), RGB. What is wrong with an argument is a ValueError or
TypeError, what is wrong with a file an OSError; the text says what to do.
"""
from ._library import library
from .live import Result, live
from .network import INPUT, Answer, Area, Layer, Network, Prediction, Tensor
from .picture import read_picture

__version__ = library.twobit_version().decode()
__all__ = ["INPUT", "Answer", "Area", "Layer", "Network", "Prediction", "Result", "Tensor", "live", "read_picture"]
