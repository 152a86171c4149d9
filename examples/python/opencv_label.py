#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""For who uses OpenCV: names what a picture shows, and writes that on it: opencv_label.py NETWORK PICTURE OUT

A picture of cv2 is an array (height, width, 3), blue first: order="BGR" is all that twobit needs to know. Parts of it
(picture[y:y + h, x:x + w]) and frames of cv2.VideoCapture are classified without a copy.
"""
import sys

import cv2

import twobit


def main(network, path, out):
    picture = cv2.imread(path)
    if picture is None:
        sys.exit(f"{path}: OpenCV cannot read it")
    answer = twobit.Network(network).classify(picture, top_k=3, order="BGR")
    text = f"{answer.name or 'nothing known'} {100 * answer.confidence:.0f} %"
    cv2.putText(picture, text, (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
    if not cv2.imwrite(out, picture):
        sys.exit(f"{out}: OpenCV cannot write it")
    print(text)
    for prediction in answer.top:
        print(f"  {100 * prediction.confidence:5.1f} %  {prediction.label}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__.splitlines()[0])
    main(*sys.argv[1:])
