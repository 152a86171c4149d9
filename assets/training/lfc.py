#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lfc and lfc-w1a2: 28×28 clothes of Fashion-MNIST through fully connected layers; weights 1 bit, activations 1 or 2."""

from twobit_training import recipe, sets, transforms
from twobit_training.network import FullyConnected

# By name the layers; the pixels of both are bytes, and so are the float networks the same.
NETWORKS = {
    name: [
        FullyConnected("fc0", 1024, weight_bits=1, output_bits=bits),
        FullyConnected("fc1", 1024, weight_bits=1, output_bits=bits),
        FullyConnected("fc2", 1024, weight_bits=1, output_bits=bits),
        FullyConnected("fc3", 10, weight_bits=1, output_bits=32),
    ]
    for name, bits in (("lfc-w1a2", 2), ("lfc", 1))
}
LABELS = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]
# A piece lies before the camera on something light; in the data set it is light on black.
VIEW = {"kind": "box", "inverted": True}


def augment(x, generator):
    return transforms.random_affine(x, generator, flip=True, degrees=3, log_scale=0.05, translate=0.035, padding_mode="zeros")


def main():
    args = recipe.arguments(recipe.parser(__doc__, float_epochs=40, epochs=60))
    splits = sets.mnist(args.data)
    for name, layers in NETWORKS.items():
        print(name, flush=True)
        teacher = recipe.float_network(layers, splits, augment, args.work_dir / "lfc", epochs=args.float_epochs, dropout=0.3)
        start, work_dir = recipe.model(layers, splits, dropout=0.0), args.work_dir / name
        start.quantise()
        model = recipe.low_bit_network(start, teacher, splits, augment, work_dir, epochs=args.epochs, lr=2e-3)
        recipe.write(model, name, LABELS, VIEW, splits, work_dir, args.folder / name)


if __name__ == "__main__":
    main()
