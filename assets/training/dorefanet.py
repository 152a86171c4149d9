#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train dorefanet: 64×64 colour pictures, 200 classes of Tiny-ImageNet.

Weights have 1 bit and activations 2 bits after Conv0.
"""

import torch

from twobit_training import datasets, recipe, training, transforms
from twobit_training.evaluation import outputs, report
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
TOP = (1, 5)


def teacher_targets(model, pictures, file):
    """The teacher's logits of each picture and of its mirror image: float16 (N, 2, classes)."""
    if not file.exists():
        views = (pictures, pictures.flip(2))
        torch.save(torch.stack([outputs(model, view).half() for view in views], 1), file)
    return torch.load(file)


def batches(split, targets=None):
    """Batches for `training.train`; targets: the logits of `teacher_targets`."""

    def batch_of(index, generator, device):
        x, flipped = transforms.random_crop_flip(split.pictures[index].to(device), generator)
        if targets is None:
            return x, None
        return x, targets[index, flipped.long()].to(device).float()

    return batch_of


def train(model, splits, args, targets, *, lr, weight_decay, epochs, label_smoothing, seed, name):
    """AdamW on a one-cycle schedule; the checkpoint and the reported line bear `name`."""
    steps = len(splits.train.labels) // args.batch_size
    optimiser = training.adamw(model.parameters(), lr=lr, weight_decay=weight_decay)
    training.train(
        model,
        splits.train,
        splits.val,
        batches(splits.train, targets),
        training.Loss(label_smoothing=label_smoothing),
        optimiser,
        training.one_cycle(optimiser, lr=lr, total_steps=epochs * steps),
        epochs=epochs,
        batch_size=args.batch_size,
        seed=seed,
        compiled=True,
        checkpoint=args.work_dir / "dorefanet" / f"{name}.pt",
    )
    report(name, outputs(model, splits.test.pictures), splits.test.labels, TOP)


def main(argv=None):
    args = recipe.parse(
        recipe.parser(
            __doc__,
            "classes.tsv and tiny-imagenet-200-trainval.tar.xz",
            float_epochs=6,
            float_lr=2e-3,
            weight_decay=0.02,
            epochs=9,
            lr=2e-3,
            batch_size=256,
        ),
        argv,
    )
    torch.manual_seed(1)
    work_dir = args.work_dir / "dorefanet"
    work_dir.mkdir(parents=True, exist_ok=True)
    splits = datasets.tiny_imagenet(args.data, work_dir / "data")
    model = Model(LAYERS, (3, 64, 64)).to(args.device, memory_format=torch.channels_last)
    train(
        model,
        splits,
        args,
        None,
        lr=args.float_lr,
        weight_decay=args.weight_decay,
        epochs=args.float_epochs,
        label_smoothing=0.1,
        seed=1,
        name="float",
    )

    targets = teacher_targets(model, splits.train.pictures, work_dir / "targets.pt")
    model.quantise()
    train(
        model,
        splits,
        args,
        targets,
        lr=args.lr,
        weight_decay=0.0,
        epochs=args.epochs,
        label_smoothing=0.0,
        seed=2,
        name="low-bit",
    )
    recipe.export_network(model, "dorefanet", splits, work_dir, args.networks, top=TOP)


if __name__ == "__main__":
    main()
