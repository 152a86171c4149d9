# SPDX-License-Identifier: MIT
"""The grey data sets, in IDX files: pictures N×H×W×1 of bytes, labels N."""

import gzip
import lzma
from pathlib import Path

import numpy as np
import torch

from .data import Split


def read_idx(path):
    """An IDX file of bytes, packed with gzip or xz."""
    with (lzma if path.suffix == ".xz" else gzip).open(path) as file:
        data = file.read()
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an IDX file of bytes")
    shape = np.frombuffer(data, ">u4", data[3], 4)
    return np.frombuffer(data, "u1", offset=4 + 4 * data[3]).reshape(shape)


def _split(pictures, labels):
    return Split(torch.from_numpy(pictures[..., None].copy()), torch.from_numpy(labels.astype(np.int64)))


def mnist(folder, held_out=5000):
    """Splits train, val (the last `held_out` of train) and test; Fashion-MNIST has the same files."""
    folder = Path(folder)
    pictures, labels = (read_idx(folder / f"train-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
    test = (read_idx(folder / f"t10k-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
    cut = len(labels) - held_out
    return _split(pictures[:cut], labels[:cut]), _split(pictures[cut:], labels[cut:]), _split(*test)


def fer2013(folder):
    """Splits train, val (the public test) and test (the private one).

    Pictures of train that also occur in a test split are left out, and so are those of one grey level.
    """
    folder, splits = Path(folder), {}
    for name in ("train", "publictest", "privatetest"):
        splits[name] = (read_idx(folder / f"{name}-images-idx3-ubyte.xz"),
                        read_idx(folder / f"{name}-labels-idx1-ubyte.gz"))
    seen = {p.tobytes() for name in ("publictest", "privatetest") for p in splits[name][0]}
    pictures, labels = splits["train"]
    keep = [i for i, p in enumerate(pictures) if p.tobytes() not in seen and p.min() < p.max()]
    return _split(pictures[keep], labels[keep]), _split(*splits["publictest"]), _split(*splits["privatetest"])
