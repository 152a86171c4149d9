# SPDX-License-Identifier: MIT
"""The steps of a recipe for a grey network with our own quantisers: the float network, the low-bit one that learns
from it, the folder. A work folder that is complete is only exported."""

import argparse
from pathlib import Path

import numpy as np
import torch

from . import calibration, export, fit, loop
from .network import Model

NETWORKS = Path(__file__).resolve().parents[2] / "networks"


def parser(text, **epochs):
    """The arguments of every recipe; `epochs`: options that end in _epochs, and what they are by default."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("data", type=Path, help="folder of the data set's IDX files")
    parser.add_argument("work_dir", type=Path, help="folder for the checkpoints, in it one a network; goes on from there")
    for name, count in epochs.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=count, help=f"[{count}]")
    parser.add_argument("--threads", type=int, default=2, help="[2]")
    parser.add_argument("--folder", type=Path, default=NETWORKS, help="folder of networks to write into")
    return parser


def arguments(parser):
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    return args


def model(layers, splits, dropout):
    height, width = splits[0].pictures.shape[1:3]
    return Model(layers, (1, height, width), mean=0.0, dropout=dropout).to(memory_format=torch.channels_last)


def report(what, logits, labels):
    logits = torch.as_tensor(logits)
    print(f"{what}: top-1 {loop.accuracy(logits, labels):.4f} "
          f"calibration error {calibration.calibration_error(logits, labels):.4f}", flush=True)


def float_network(layers, splits, augment, work_dir, *, epochs, dropout, lr=2e-3, weight_decay=0.05):
    train, val, test = splits
    work_dir.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    trained = fit.fit(model(layers, splits, dropout), train, val, augment, epochs=epochs, lr=lr, batch=128,
                      weight_decay=weight_decay, adam=True, checkpoint=work_dir / "float.pt")
    report("float", loop.outputs(trained, test.pictures), test.labels)
    return trained


def low_bit_network(start, teacher, splits, augment, work_dir, *, epochs, lr):
    train, val, test = splits
    work_dir.mkdir(parents=True, exist_ok=True)
    trained = fit.fit(start, train, val, augment, epochs=epochs, lr=lr, batch=128, weight_decay=0.0, adam=True,
                      teacher=teacher, seed=2, checkpoint=work_dir / "low-bit.pt")
    report("low-bit", loop.outputs(trained, test.pictures), test.labels)
    return trained


def calibrate(folded, val):
    """Cools the softmax by the temperature that fits the validation split, and returns that."""
    held = torch.from_numpy(export.logits(folded, export.integer_scores(folded, val.pictures)))
    temperature = calibration.fit_temperature(held, val.labels)
    export.apply_temperature(folded, temperature)
    return temperature


def write(trained, name, labels, view, splits, work_dir, folder):
    """The network folder, its softmax calibrated on the validation split; in the work folder the integer scores of
    the test pictures."""
    _, val, test = splits
    folded = export.fold(trained)
    scores = export.integer_scores(folded, test.pictures)
    report("integers", export.logits(folded, scores), test.labels)
    temperature = calibrate(folded, val)
    report(f"integers at temperature {temperature:.3f}", export.logits(folded, scores), test.labels)
    export.write(trained, folded, name, folder, view)
    (folder / "labels.txt").write_text("\n".join(labels) + "\n")
    np.save(work_dir / "scores.npy", scores)  # to compare with `twobit evaluate --scores`
