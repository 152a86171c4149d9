# SPDX-License-Identifier: MIT
"""Data sets as arrays in memory: pictures N×H×W×C of bytes, labels N."""

import io
import tarfile
from collections import namedtuple
from hashlib import md5
from pathlib import Path

import numpy as np
import torch

Split = namedtuple("Split", "pictures labels")

# Held out of each class of train, for watching and choosing; the test split chooses nothing.
HELD_OUT_PER_CLASS = 10


def _decode(data):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def _read_tiny_imagenet(folder):
    rows = [line.split("\t") for line in (folder / "classes.tsv").read_text().splitlines()]
    index = {row[1]: int(row[0]) for row in rows}
    train, val, val_labels = [], {}, {}
    archive = folder / "tiny-imagenet-200-trainval.tar.xz"
    with tarfile.open(archive) as tar:
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
    seen = {md5(picture.tobytes()).digest() for picture in val.values()}
    train = [(p, label) for p, label in train if md5(p.tobytes()).digest() not in seen]
    names = sorted(val)
    return {
        "train_pictures": np.stack([p for p, _ in train]),
        "train_labels": np.array([label for _, label in train]),
        "val_pictures": np.stack([val[n] for n in names]),
        "val_labels": np.array([val_labels[n] for n in names]),
    }


def tiny_imagenet(folder, cache):
    """Returns the splits train, val (held out of train) and test (the official val, 10,000)."""
    cache = Path(cache)
    if not (cache / "val_labels.npy").exists():
        cache.mkdir(parents=True, exist_ok=True)
        for name, array in _read_tiny_imagenet(Path(folder)).items():
            np.save(cache / f"{name}.npy", array)
    pictures, labels = np.load(cache / "train_pictures.npy"), np.load(cache / "train_labels.npy")
    val = np.concatenate([np.flatnonzero(labels == c)[-HELD_OUT_PER_CLASS:] for c in np.unique(labels)])
    keep = np.setdiff1d(np.arange(len(labels)), val)

    def split(p, label):
        return Split(torch.from_numpy(p), torch.from_numpy(label.astype(np.int64)))

    test = split(np.load(cache / "val_pictures.npy"), np.load(cache / "val_labels.npy"))
    return split(pictures[keep], labels[keep]), split(pictures[val], labels[val]), test
