#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lenet5: 28×28 digits of MNIST; weights and activations 8 bits."""

from twobit_training import recipe, sets, transforms
from twobit_training.loop import to_input
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
    return transforms.random_affine(x, generator, flip=False, degrees=12, log_scale=0.14, translate=0.07, padding_mode="zeros")


def main():
    args = recipe.arguments(recipe.parser(__doc__, float_epochs=30, epochs=10))
    splits, work_dir = sets.mnist(args.data), args.work_dir / "lenet5"
    teacher = recipe.float_network(LAYERS, splits, augment, work_dir, epochs=args.float_epochs, dropout=0.5)
    start = recipe.model(LAYERS, splits, dropout=0.2)
    start.load_state_dict(teacher.state_dict())
    start.quantise(to_input(splits[0].pictures[:512]))
    model = recipe.low_bit_network(start, teacher, splits, augment, work_dir, epochs=args.epochs, lr=5e-4)
    recipe.write(model, "lenet5", LABELS, VIEW, splits, work_dir, args.folder / "lenet5")


if __name__ == "__main__":
    main()
