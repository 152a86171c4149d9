# SPDX-License-Identifier: MIT
"""The data sets as tensors in memory.

Each reader returns `Splits`: train, val and test. A `Split` holds `pictures`, uint8 of shape
(N, height, width, channels) with values 0 … 255, and `labels`, int64 of shape (N,). The val split
chooses weights and temperature; the test split chooses nothing.
"""

import gzip
import io
import lzma
import tarfile
from collections import namedtuple
from hashlib import md5
from pathlib import Path

import numpy as np
import torch

Split = namedtuple("Split", "pictures labels")
Splits = namedtuple("Splits", "train val test")


def _split(pictures, labels):
    return Split(torch.from_numpy(pictures), torch.from_numpy(labels.astype(np.int64)))


def read_idx(path):
    """Reads an IDX file of bytes, compressed with gzip or xz, as a uint8 array of its shape."""
    with (lzma if path.suffix == ".xz" else gzip).open(path) as file:
        data = file.read()
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an IDX file of bytes")
    shape = np.frombuffer(data, ">u4", data[3], 4)
    return np.frombuffer(data, "u1", offset=4 + 4 * data[3]).reshape(shape)


def _grey_split(pictures, labels):
    """Adds the channel axis: (N, height, width) becomes (N, height, width, 1)."""
    return _split(pictures[..., None].copy(), labels)


def mnist(folder, val_count=5000):
    """MNIST or Fashion-MNIST, 28×28 grey, 10 classes; the last `val_count` of train are val."""
    kinds = ("images-idx3", "labels-idx1")
    pictures, labels = (read_idx(folder / f"train-{kind}-ubyte.gz") for kind in kinds)
    test = (read_idx(folder / f"t10k-{kind}-ubyte.gz") for kind in kinds)
    begin = len(labels) - val_count
    return Splits(
        _grey_split(pictures[:begin], labels[:begin]),
        _grey_split(pictures[begin:], labels[begin:]),
        _grey_split(*test),
    )


def fer2013(folder):
    """FER2013, 48×48 grey, 7 classes; val is the public test, test is the private one.

    Train loses the pictures that also occur in val or test, and those of a single grey level.
    """
    train, val, test = (
        (
            read_idx(folder / f"{name}-images-idx3-ubyte.xz"),
            read_idx(folder / f"{name}-labels-idx1-ubyte.gz"),
        )
        for name in ("train", "publictest", "privatetest")
    )
    held_out = {picture.tobytes() for pictures, _ in (val, test) for picture in pictures}
    pictures, labels = train
    keep = [i for i, p in enumerate(pictures) if p.tobytes() not in held_out and p.min() < p.max()]
    return Splits(_grey_split(pictures[keep], labels[keep]), _grey_split(*val), _grey_split(*test))


def _decode(data):
    """A JPEG file's bytes to uint8 (height, width, 3), red first."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def _read_tiny_imagenet(folder):
    """Unpacks the archive; train loses the pictures that also occur in the official val."""
    rows = [line.split("\t") for line in (folder / "classes.tsv").read_text().splitlines()]
    index = {row[1]: int(row[0]) for row in rows}
    train, val, val_labels = [], {}, {}
    with tarfile.open(folder / "tiny-imagenet-200-trainval.tar.xz") as tar:
        for member in tar:
            parts = Path(member.name).parts
            if member.name.endswith("val_annotations.txt"):
                for line in tar.extractfile(member).read().decode().splitlines():
                    name, wnid = line.split("\t")[:2]
                    val_labels[name] = index[wnid]
            elif member.name.endswith(".JPEG"):
                picture = _decode(tar.extractfile(member).read())
                if "train" in parts:
                    train.append((picture, index[parts[-1].split("_")[0]]))
                else:
                    val[parts[-1]] = picture
    held_out = {md5(picture.tobytes()).digest() for picture in val.values()}
    train = [(p, label) for p, label in train if md5(p.tobytes()).digest() not in held_out]
    names = sorted(val)
    return {
        "train_pictures": np.stack([p for p, _ in train]),
        "train_labels": np.array([label for _, label in train]),
        "val_pictures": np.stack([val[name] for name in names]),
        "val_labels": np.array([val_labels[name] for name in names]),
    }


def tiny_imagenet(folder, cache, val_per_class=10):
    """Tiny-ImageNet-200, 64×64 colour, 200 classes; test is the official val (10,000 pictures).

    Val is the last `val_per_class` train pictures of each class. The folder `cache` keeps the
    decoded arrays for the next run.
    """
    if not (cache / "val_labels.npy").exists():
        cache.mkdir(parents=True, exist_ok=True)
        for name, array in _read_tiny_imagenet(folder).items():
            np.save(cache / f"{name}.npy", array)
    pictures, labels = np.load(cache / "train_pictures.npy"), np.load(cache / "train_labels.npy")
    val = np.concatenate([np.flatnonzero(labels == c)[-val_per_class:] for c in np.unique(labels)])
    train = np.setdiff1d(np.arange(len(labels)), val)
    return Splits(
        _split(pictures[train], labels[train]),
        _split(pictures[val], labels[val]),
        _split(np.load(cache / "val_pictures.npy"), np.load(cache / "val_labels.npy")),
    )
