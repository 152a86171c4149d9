#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lenet5: 28×28 digits of MNIST; weights and activations 8 bits."""

from twobit_training import augment, recipe, sets
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


def look(x, generator):
    return augment.move(x, generator, mirror=False, turn=12, stretch=0.14, shift=0.07, border="zeros")


def main():
    args = recipe.arguments(recipe.parser(__doc__, float_epochs=30, epochs=10))
    splits, work = sets.mnist(args.data), args.work / "lenet5"
    teacher = recipe.float_network(LAYERS, splits, look, work, epochs=args.float_epochs, dropout=0.5)
    start = recipe.model(LAYERS, splits, dropout=0.2)
    start.load_state_dict(teacher.state_dict())
    start.quantise(to_input(splits[0].pictures[:512]))
    model = recipe.low_bit_network(start, teacher, splits, look, work, epochs=args.epochs, rate=5e-4)
    recipe.write(model, "lenet5", LABELS, VIEW, splits, work, args.folder / "lenet5")


if __name__ == "__main__":
    main()
