#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train lfc-w1a2 and lfc: 28×28 clothes of Fashion-MNIST through fully connected layers.

Weights have 1 bit, activations 2 bits or 1.
"""

from twobit_training import datasets, recipe, transforms
from twobit_training.network import FullyConnected

# The tables of layers by name. Both float networks are the same: only their codes differ.
NETWORKS = {
    name: [
        FullyConnected("fc0", 1024, weight_bits=1, output_bits=bits),
        FullyConnected("fc1", 1024, weight_bits=1, output_bits=bits),
        FullyConnected("fc2", 1024, weight_bits=1, output_bits=bits),
        FullyConnected("fc3", 10, weight_bits=1, output_bits=32),
    ]
    for name, bits in (("lfc-w1a2", 2), ("lfc", 1))
}
LABELS = [
    "T-shirt",
    "trousers",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
]
# A piece lies before the camera on something light; in the data set it is light on black.
VIEW = {"kind": "box", "inverted": True}


def augment(x, generator):
    return transforms.random_affine(
        x, generator, flip=True, degrees=3, log_scale=0.05, translate=0.035, padding_mode="zeros"
    )


def main(argv=None):
    args = recipe.parse(
        recipe.parser(
            __doc__,
            "Fashion-MNIST's four IDX files (.gz)",
            float_epochs=40,
            float_lr=2e-3,
            weight_decay=0.05,
            epochs=60,
            lr=2e-3,
            batch_size=128,
        ),
        argv,
    )
    splits = datasets.mnist(args.data)
    for name, layers in NETWORKS.items():
        print(name, flush=True)
        teacher = recipe.float_network(
            layers, splits, augment, args, args.work_dir / "lfc", dropout=0.3
        )
        work_dir = args.work_dir / name
        start = recipe.model(layers, splits.train, args.device, dropout=0.0)
        start.quantise()
        trained = recipe.low_bit_network(start, teacher, splits, augment, args, work_dir)
        recipe.export_network(
            trained, name, splits, work_dir, args.networks, labels=LABELS, view=VIEW
        )


if __name__ == "__main__":
    main()
