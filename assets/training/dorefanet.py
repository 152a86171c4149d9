#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dorefanet: 64×64 colour pictures, 200 classes of Tiny-ImageNet; weights 1 bit, activations 2 bits after Conv0."""

import argparse
from pathlib import Path

import torch

from twobit_training import data, loop
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with classes.tsv and tiny-imagenet-200-trainval.tar.xz")
    parser.add_argument("work", type=Path, help="folder for the unpacked data and the checkpoints")
    parser.add_argument("--float-epochs", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=9, help="of the low-bit network")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)

    train, watch, test = data.tiny_imagenet(args.data, args.work / "data")
    model = Model(LAYERS, (3, 64, 64)).to(memory_format=torch.channels_last)
    loop.train(model, train, watch, epochs=args.float_epochs, rate=2e-3, decay=0.02,
               checkpoint=args.work / "float.pt")
    scores = loop.outputs(model, test.pictures)
    print(f"float: top-1 {loop.accuracy(scores, test.labels):.4f} top-5 {loop.accuracy(scores, test.labels, 5):.4f}")

    targets_file = args.work / "targets.pt"
    if not targets_file.exists():
        torch.save(loop.teach(model, train.pictures), targets_file)
    model.quantise()
    loop.train(model, train, watch, epochs=args.epochs, rate=2e-3, decay=0, targets=torch.load(targets_file),
               smoothing=0.0, seed=2, checkpoint=args.work / "low-bit.pt")
    scores = loop.outputs(model, test.pictures)
    print(f"low-bit: top-1 {loop.accuracy(scores, test.labels):.4f} top-5 {loop.accuracy(scores, test.labels, 5):.4f}")


if __name__ == "__main__":
    main()
