#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""For who uses onnxruntime: a model there, and the network made of it, side by side: onnxruntime_compare.py MODEL.onnx NETWORK PICTURE...

NETWORK is the folder that `twobit import onnx MODEL.onnx NETWORK` made. Both get the same pixels; the model takes them as
0 ... 1 in the order (1, channels, height, width). Prints what each finds, how long it takes, and how often they agree.
"""
import sys
import time

import numpy
import onnxruntime

import twobit


def timed(function, *arguments):
    begun = time.perf_counter()
    result = function(*arguments)
    return result, 1e3 * (time.perf_counter() - begun)


def main(model, network, *pictures):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    net = twobit.Network(network)
    agree = 0
    for path in pictures:
        pixels = net.codes(twobit.read_picture(path))  # a session leaves crop and size to its user
        tensor = numpy.moveaxis(pixels, -1, 0)[numpy.newaxis].astype(numpy.float32) / 255
        theirs, their_time = timed(session.run, None, {name: tensor})
        ours, our_time = timed(net.run, pixels)
        pair = net.labels[int(numpy.argmax(theirs[0]))], net.answer(ours).top[0].label
        agree += pair[0] == pair[1]
        print(f"{path}: onnxruntime {pair[0]} ({their_time:.2f} ms), twobit {pair[1]} ({our_time:.2f} ms)")
    print(f"they agree on {agree} of {len(pictures)}")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__.splitlines()[0])
    main(*sys.argv[1:])
