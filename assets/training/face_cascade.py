#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn a cascade of OpenCV (LBP features, stumps) into the table core/image/face_cascade.c.

The cascade is `lbpcascade_frontalface.xml` of Debian's package opencv-data (4.6.0). The file bears
no notice of its own, so the table carries the one of the OpenCV releases that brought it.
"""

import argparse
import xml.etree.ElementTree as ElementTree
from pathlib import Path

# Votes and thresholds become integers: so the sum of a stage is the same on every machine.
ONE = 1 << 20

HEAD = """\
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Made by assets/training/face_cascade.py from OpenCV's {name}:
 *
 *                           License Agreement
 *                For Open Source Computer Vision Library
 *                        (3-clause BSD License)
 *
 * Copyright (C) 2000-2008, Intel Corporation, all rights reserved.
 * Copyright (C) 2009-2010, Willow Garage Inc., all rights reserved.
 * Third party copyrights are property of their respective owners.
 *
 * Redistribution and use in source and binary forms, with or without modification,
 * are permitted provided that the following conditions are met:
 *
 *   * Redistributions of source code must retain the above copyright notice,
 *     this list of conditions and the following disclaimer.
 *
 *   * Redistributions in binary form must reproduce the above copyright notice,
 *     this list of conditions and the following disclaimer in the documentation
 *     and/or other materials provided with the distribution.
 *
 *   * Neither the names of the copyright holders nor the names of the contributors
 *     may be used to endorse or promote products derived from this software
 *     without specific prior written permission.
 *
 * This software is provided by the copyright holders and contributors "as is" and
 * any express or implied warranties, including, but not limited to, the implied
 * warranties of merchantability and fitness for a particular purpose are disclaimed.
 * In no event shall copyright holders or contributors be liable for any direct,
 * indirect, incidental, special, exemplary, or consequential damages
 * (including, but not limited to, procurement of substitute goods or services;
 * loss of use, data, or profits; or business interruption) however caused
 * and on any theory of liability, whether in contract, strict liability,
 * or tort (including negligence or otherwise) arising in any way out of
 * the use of this software, even if advised of the possibility of such damage.
 */
/* clang-format off */
#include "image/face_cascade.h"

"""

TAIL = """\
const struct face_cascade face_cascade = {{{window}, sizeof(stages) / sizeof(stages[0]), stages, features}};
"""


def numbers(element, name, kind):
    return [kind(word) for word in element.find(name).text.split()]


def fixed(value):
    return round(value * ONE)


def feature_row(classifier, rects):
    """x, y, width and height of a cell, its set of patterns, the votes if it is in the set or not."""
    _, _, rect, *words = numbers(classifier, "internalNodes", int)
    votes = [fixed(value) for value in numbers(classifier, "leafValues", float)]
    place = ", ".join(map(str, rects[rect]))
    patterns = ", ".join(f"0x{word & 0xFFFFFFFF:08x}" for word in words)
    return f"\t{{{place}, {{{patterns}}}, {votes[0]}, {votes[1]}}},\n"


def table(path):
    cascade = ElementTree.parse(path).getroot().find("cascade")
    rects = [numbers(feature, "rect", int) for feature in cascade.find("features")]
    stages, features = "", ""
    for stage in cascade.find("stages"):
        classifiers = list(stage.find("weakClassifiers"))
        threshold = fixed(float(stage.find("stageThreshold").text))
        stages += f"\t{{{len(classifiers)}, {threshold}}},\n"
        features += "".join(feature_row(classifier, rects) for classifier in classifiers)
    return (
        HEAD.format(name=path.name)
        + f"static const struct face_stage stages[] = {{\n{stages}}};\n\n"
        + f"static const struct face_feature features[] = {{\n{features}}};\n\n"
        + TAIL.format(window=int(cascade.find("width").text))
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cascade", type=Path, help="the XML file")
    parser.add_argument("table", type=Path, help="core/image/face_cascade.c")
    args = parser.parse_args()
    args.table.write_text(table(args.cascade))


if __name__ == "__main__":
    main()
