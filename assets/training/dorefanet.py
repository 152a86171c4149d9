#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dorefanet: 64×64 colour pictures, 200 classes of Tiny-ImageNet; weights 1 bit, activations 2 bits after Conv0."""

import argparse
from pathlib import Path

import numpy as np
import torch

from twobit_training import calibration, data, export, loop, recipe
from twobit_training.network import Conv, FullyConnected, Model, Pool

LAYERS = [
    Conv("conv0", 64, kernel=8, stride=4, padding=2, weight_bits=8),
    Conv("conv1", 128, kernel=3, padding=1),
    Pool("pool1"),
    Conv("conv2", 256, kernel=3, padding=1),
    Pool("pool2"),
    Conv("conv3", 512, kernel=3, padding=1),
    Pool("pool3"),
    FullyConnected("fc0", 1024),
    FullyConnected("fc1", 200, output_bits=32),
]


FOLDER = Path(__file__).resolve().parent.parent / "networks" / "dorefanet"


def report(what, logits, labels):
    logits, labels = torch.as_tensor(logits), torch.as_tensor(labels)
    top1, top5 = loop.accuracy(logits, labels), loop.accuracy(logits, labels, 5)
    error = calibration.calibration_error(logits.double(), labels)
    print(f"{what}: top-1 {top1:.4f} top-5 {top5:.4f} calibration error {error:.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with classes.tsv and tiny-imagenet-200-trainval.tar.xz")
    parser.add_argument("work_dir", type=Path, help="folder for the unpacked data and the checkpoints; goes on from there")
    parser.add_argument("--float-epochs", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=9, help="of the low-bit network")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="network folder to write")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)

    train, val, test = data.tiny_imagenet(args.data, args.work_dir / "data")
    model = Model(LAYERS, (3, 64, 64)).to(memory_format=torch.channels_last)
    loop.train(model, train, val, epochs=args.float_epochs, lr=2e-3, weight_decay=0.02,
               checkpoint=args.work_dir / "float.pt")
    report("float", loop.outputs(model, test.pictures), test.labels)

    targets_file = args.work_dir / "targets.pt"
    if not targets_file.exists():
        torch.save(loop.teach(model, train.pictures), targets_file)
    model.quantise()
    loop.train(model, train, val, epochs=args.epochs, lr=2e-3, weight_decay=0, targets=torch.load(targets_file),
               smoothing=0.0, seed=2, checkpoint=args.work_dir / "low-bit.pt")
    report("low-bit", loop.outputs(model, test.pictures), test.labels)

    folded = export.fold(model)
    scores = export.integer_scores(folded, test.pictures)
    report("integers", export.logits(folded, scores), test.labels)
    temperature = recipe.calibrate(folded, val)
    report(f"integers at temperature {temperature:.3f}", export.logits(folded, scores), test.labels)
    export.write(model, folded, "dorefanet", args.folder)
    np.save(args.work_dir / "scores.npy", scores)  # to compare with `twobit evaluate --scores`


if __name__ == "__main__":
    main()
