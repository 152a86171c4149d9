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
    made = argparse.ArgumentParser(description=text)
    made.add_argument("data", type=Path, help="folder of the data set's IDX files")
    made.add_argument("work", type=Path, help="folder for the checkpoints, in it one a network; goes on from there")
    for name, count in epochs.items():
        made.add_argument("--" + name.replace("_", "-"), type=int, default=count, help=f"[{count}]")
    made.add_argument("--threads", type=int, default=2, help="[2]")
    made.add_argument("--folder", type=Path, default=NETWORKS, help="folder of networks to write into")
    return made


def arguments(made):
    args = made.parse_args()
    torch.set_num_threads(args.threads)
    return args


def model(layers, splits, dropout):
    height, width = splits[0].pictures.shape[1:3]
    return Model(layers, (1, height, width), mean=0.0, dropout=dropout).to(memory_format=torch.channels_last)


def report(what, logits, labels):
    logits = torch.as_tensor(logits)
    print(f"{what}: top-1 {loop.accuracy(logits, labels):.4f} "
          f"calibration error {calibration.calibration_error(logits, labels):.4f}", flush=True)


def float_network(layers, splits, look, work, *, epochs, dropout, rate=2e-3, decay=0.05):
    train, watch, test = splits
    work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    trained = fit.fit(model(layers, splits, dropout), train, watch, look, epochs=epochs, rate=rate, batch=128,
                      decay=decay, adam=True, checkpoint=work / "float.pt")
    report("float", loop.outputs(trained, test.pictures), test.labels)
    return trained


def low_bit_network(start, teacher, splits, look, work, *, epochs, rate):
    train, watch, test = splits
    work.mkdir(parents=True, exist_ok=True)
    trained = fit.fit(start, train, watch, look, epochs=epochs, rate=rate, batch=128, decay=0.0, adam=True,
                      teacher=teacher, seed=2, checkpoint=work / "low-bit.pt")
    report("low-bit", loop.outputs(trained, test.pictures), test.labels)
    return trained


def calibrate(folded, watch):
    """Cools the softmax by the temperature that fits the validation split, and returns that."""
    held = torch.from_numpy(export.logits(folded, export.integer_scores(folded, watch.pictures)))
    heat = calibration.temperature(held, watch.labels)
    export.cool(folded, heat)
    return heat


def write(trained, name, labels, view, splits, work, folder):
    """The network folder, its softmax calibrated on the validation split; in the work folder the integer scores of
    the test pictures."""
    _, watch, test = splits
    folded = export.fold(trained)
    scores = export.integer_scores(folded, test.pictures)
    report("integers", export.logits(folded, scores), test.labels)
    heat = calibrate(folded, watch)
    report(f"integers at temperature {heat:.3f}", export.logits(folded, scores), test.labels)
    export.write(trained, folded, name, folder, view)
    (folder / "labels.txt").write_text("\n".join(labels) + "\n")
    np.save(work / "scores.npy", scores)  # to compare with `twobit evaluate --scores`
