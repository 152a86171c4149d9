# SPDX-License-Identifier: MIT
"""From a picture file to a network's input, bit for bit as core/image/resize.h does it."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

SUFFIXES = {".jpg", ".jpeg", ".png"}


def _axis_weights(count, size):
    """How `size` outputs weigh `count` pixels of the crop, in 1/256 pixel: int64 (size, count)."""
    i = np.arange(size)[:, None]
    pixel = 256 * np.arange(count)[None, :]
    if count >= size:
        begin, end = 256 * i * count // size, 256 * (i + 1) * count // size
        return np.clip(np.minimum(end, pixel + 256) - np.maximum(begin, pixel), 0, None)
    centre = np.clip(128 * (2 * i + 1) * count // size - 128, 0, 256 * (count - 1))
    return np.clip(256 - np.abs(centre - pixel), 0, None)


def _crop(picture, height, width):
    rows, columns = picture.shape[:2]
    if columns * height > rows * width:
        columns = (rows * width + height // 2) // height
    else:
        rows = (columns * height + width // 2) // width
    top, left = (picture.shape[0] - rows) // 2, (picture.shape[1] - columns) // 2
    return picture[top : top + rows, left : left + columns]


def resize(picture, height, width):
    """The middle of uint8 (rows, columns, 3) at the input's size: means over areas, halves up."""
    crop = _crop(picture, height, width)
    down, across = _axis_weights(crop.shape[0], height), _axis_weights(crop.shape[1], width)
    # Whole numbers below 2^53: exact in double precision.
    sums = np.einsum("yr,rcb->ycb", down.astype("f8"), crop.astype("f8"), optimize=True)
    sums = np.einsum("xc,ycb->yxb", across.astype("f8"), sums, optimize=True).astype("i8")
    total = (down.sum(1)[:, None] * across.sum(1)[None, :])[..., None]
    return ((sums + total // 2) // total).astype("u1")


def read(path, size):
    """A picture file as uint8 (size, size, 3)."""
    with Image.open(path) as picture:
        return resize(np.asarray(picture.convert("RGB")), size, size)


def files(folder):
    """The pictures of a folder, in the order of their names."""
    found = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in SUFFIXES)
    if not found:
        raise SystemExit(f"{folder}: no pictures (.jpg, .jpeg, .png) there")
    return found


def read_all(paths, size):
    """uint8 (N, size, size, 3)."""
    return torch.from_numpy(np.stack([read(path, size) for path in paths]))
