#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train lenet5: 28×28 digits of MNIST; weights and activations of 8 bits."""

from twobit_training import datasets, recipe, transforms
from twobit_training.evaluation import to_input
from twobit_training.network import Conv, FullyConnected, Pool

LAYERS = [
    Conv("conv0", 20, kernel=5, weight_bits=8, output_bits=8),
    Pool("pool0"),
    Conv("conv1", 50, kernel=5, weight_bits=8, output_bits=8),
    Pool("pool1"),
    FullyConnected("fc0", 500, weight_bits=8, output_bits=8),
    FullyConnected("fc1", 10, weight_bits=8, output_bits=32),
]
LABELS = [str(digit) for digit in range(10)]
VIEW = {"kind": "ink"}


def augment(x, generator):
    return transforms.random_affine(
        x, generator, flip=False, degrees=12, log_scale=0.14, translate=0.07, padding_mode="zeros"
    )


def main(argv=None):
    args = recipe.parse(
        recipe.parser(
            __doc__,
            "MNIST's four IDX files (.gz)",
            float_epochs=30,
            float_lr=2e-3,
            weight_decay=0.05,
            epochs=10,
            lr=5e-4,
            batch_size=128,
        ),
        argv,
    )
    splits, work_dir = datasets.mnist(args.data), args.work_dir / "lenet5"
    teacher = recipe.float_network(LAYERS, splits, augment, args, work_dir, dropout=0.5)
    start = recipe.model(LAYERS, splits.train, args.device, dropout=0.2)
    start.load_state_dict(teacher.state_dict())
    start.quantise(to_input(splits.train.pictures[:512].to(args.device)))
    trained = recipe.low_bit_network(start, teacher, splits, augment, args, work_dir)
    recipe.export_network(
        trained, "lenet5", splits, work_dir, args.networks, labels=LABELS, view=VIEW
    )


if __name__ == "__main__":
    main()
