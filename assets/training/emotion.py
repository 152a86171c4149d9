#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train emotion-w8a8, -w4a4 and -w2a2: 48×48 grey faces, seven emotions of FER2013.

First a float network; then 8, 4 and 2 bits with Brevitas, exported as QONNX and imported by
`twobit import qonnx`.
"""

import json
import lzma
import shutil
import subprocess
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from twobit_training import brevitas_layers, datasets, qonnx, recipe, training, transforms
from twobit_training.evaluation import fit_temperature, outputs, report, to_input

# Channels of the 3×3 convolutions without padding; True: a max pool of 2 follows.
LAYERS = [(32, False), (64, True), (128, False), (128, True), (256, False), (256, True)]
HIDDEN = 256
LABELS = ["angry", "disgusted", "afraid", "happy", "sad", "surprised", "neutral"]
VIEW = {"kind": "face"}


class Schedule(NamedTuple):
    """How one training runs.

    lr: the peak learning rate. dropout: in front of the two fully connected layers. strength: of
    the augmentation; 1 is the full one. warmup_epochs: before the cosine. distilled: whether the
    network learns from a teacher too.
    """

    epochs: int
    lr: float
    weight_decay: float
    dropout: tuple
    strength: float
    warmup_epochs: float
    distilled: bool


# The learning rate falls to nothing three times (Loshchilov and Hutter, 2017, arXiv:1608.03983);
# the last time the network before is the teacher (Furlanello et al., 2018, arXiv:1805.04770).
FLOAT = [
    Schedule(18, 0.04, 5e-4, (0.2, 0.4), 1.0, 1.0, False),
    Schedule(10, 0.03, 2e-4, (0.05, 0.2), 0.6, 1.0, False),
    Schedule(5, 0.02, 2e-4, (0.1, 0.3), 0.8, 0.3, True),
]
# By bits, in this order: each starts from the weights of the one before, and the float network is
# the teacher.
LOW_BIT = {
    8: Schedule(1, 1e-4, 0.01, (0.0, 0.2), 0.6, 0.5, True),
    4: Schedule(3, 6e-4, 0.01, (0.0, 0.2), 0.6, 0.5, True),
    2: Schedule(6, 1e-3, 0.01, (0.0, 0.1), 0.5, 0.5, True),
}


class Emotion(nn.Module):
    """Takes float32 (N, 1, 48, 48), 0 … 1, and returns logits (N, 7), divided by `temperature`.

    Each layer is weights, batch norm and ReLU. bits None: the float network. In training the pool
    stands before the ReLU, which gives the same and costs less; `pool_last` puts it behind.
    """

    def __init__(self, bits=None, dropout=(0.0, 0.0)):
        super().__init__()
        self.pool_last, self.temperature = False, 1.0
        self.input = brevitas_layers.pixels() if bits else nn.Identity()
        self.convs, self.norms, self.acts = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        channels = 1
        for output_channels, _ in LAYERS:
            self.convs.append(self._conv(channels, output_channels, bits))
            self.norms.append(nn.BatchNorm2d(output_channels))
            self.acts.append(self._relu(bits))
            channels = output_channels
        self.fc0 = self._linear(4 * channels, HIDDEN, bits, bias=False)
        self.norm0, self.act0 = nn.BatchNorm1d(HIDDEN), self._relu(bits)
        self.fc1 = self._linear(HIDDEN, len(LABELS), bits, bias=True)
        self.drop0, self.drop1 = nn.Dropout(dropout[0]), nn.Dropout(dropout[1])

    @staticmethod
    def _conv(before, after, bits):
        if bits:
            return brevitas_layers.conv(before, after, 3, bits)
        return nn.Conv2d(before, after, 3, bias=False)

    @staticmethod
    def _linear(before, after, bits, bias):
        if bits:
            return brevitas_layers.linear(before, after, bits, bias)
        return nn.Linear(before, after, bias=bias)

    @staticmethod
    def _relu(bits):
        return brevitas_layers.relu(bits) if bits else nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.input(x)
        layers = zip(LAYERS, self.convs, self.norms, self.acts, strict=True)
        for (_, pool), conv, norm, act in layers:
            x = norm(conv(x))
            if pool and not self.pool_last:
                x = F.max_pool2d(x, 2)
            x = act(x)
            if pool and self.pool_last:
                x = F.max_pool2d(x, 2)
        x = self.drop0(x.flatten(1))
        x = self.drop1(self.act0(self.norm0(self.fc0(x))))
        return self.fc1(x) / self.temperature


def augmentation(strength):
    def augment(x, generator):
        x = transforms.random_affine(
            x,
            generator,
            degrees=12 * strength,
            log_scale=0.12 * strength,
            translate=0.08 * strength,
        )
        x = transforms.colour_jitter(
            x, generator, contrast=0.25 * strength, brightness=0.1 * strength
        )
        return transforms.random_erasing(x, generator, p=0.3 * strength)

    return augment


def parameter_groups(model, weight_decay):
    """Weight decay for the weights only, not for norms, biases and scales."""
    weights, others = [], []
    for name, parameter in model.named_parameters():
        is_weight = parameter.dim() > 1 and name.endswith(".weight")
        (weights if is_weight else others).append(parameter)
    return [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def train(model, splits, schedule, make_optimiser, args, *, teacher, label_smoothing, seed, name):
    """One training as its `Schedule` says; the checkpoint bears `name`."""
    steps = len(splits.train.labels) // args.batch_size
    groups = parameter_groups(model, schedule.weight_decay)
    optimiser = make_optimiser(groups, lr=schedule.lr, weight_decay=schedule.weight_decay)
    return training.train(
        model,
        splits.train,
        splits.val,
        training.augmented_batches(splits.train, augmentation(schedule.strength), teacher),
        training.Loss(label_smoothing=label_smoothing, temperature=2.0),
        optimiser,
        training.cosine(
            optimiser,
            warmup_steps=schedule.warmup_epochs * steps,
            total_steps=schedule.epochs * steps,
        ),
        epochs=schedule.epochs,
        batch_size=args.batch_size,
        seed=seed,
        ema_decay=0.999,
        checkpoint=args.work_dir / "emotion" / f"{name}.pt",
    )


def float_network(splits, args):
    torch.manual_seed(1)
    before = None
    for cycle, (schedule, epochs) in enumerate(zip(FLOAT, args.float_epochs, strict=True)):
        model = Emotion(dropout=schedule.dropout)
        model = model.to(args.device, memory_format=torch.channels_last)
        if before:
            model.load_state_dict(before.state_dict())
        before = train(
            model,
            splits,
            schedule._replace(epochs=epochs),
            training.sgd,
            args,
            teacher=before if schedule.distilled else None,
            label_smoothing=0.1,
            seed=1 + cycle,
            name=f"float{cycle}",
        )
        report(f"float, cycle {cycle}", outputs(before, splits.test.pictures), splits.test.labels)
    return before


def low_bit_network(bits, schedule, before, teacher, splits, args):
    """Trains the network of so many bits from the weights of `before`, and calibrates it."""
    name = f"w{bits}a{bits}"
    model = Emotion(bits, schedule.dropout)
    model = model.to(args.device, memory_format=torch.channels_last)
    model.load_state_dict(before.state_dict(), strict=False)
    generator = torch.Generator().manual_seed(bits)
    x = to_input(splits.train.pictures[:256].to(args.device))
    brevitas_layers.calibrate(model, augmentation(schedule.strength)(x, generator))
    model = train(
        model,
        splits,
        schedule,
        training.adamw,
        args,
        teacher=teacher,
        label_smoothing=0.05,
        seed=bits,
        name=name,
    )
    report(name, outputs(model, splits.test.pictures), splits.test.labels)
    val_logits = outputs(model, splits.val.pictures).double()
    model.temperature = fit_temperature(val_logits, splits.val.labels)
    report(
        f"{name} at temperature {model.temperature:.3f}",
        outputs(model, splits.test.pictures),
        splits.test.labels,
    )
    return model


def export(model, graph):
    """Writes QONNX in one file, its layers in the order of the table."""
    from brevitas.export import export_qonnx

    model = model.to("cpu", memory_format=torch.contiguous_format).eval()
    model.pool_last = True
    export_qonnx(model, args=torch.zeros(1, 1, 48, 48), export_path=str(graph), dynamo=False)
    model.pool_last = False


def import_qonnx(twobit, graph, folder):
    """Makes the network folder; what else is there, its card, stays."""
    (graph.parent / "labels.txt").write_text("\n".join(LABELS) + "\n")
    imported = graph.with_suffix("")
    shutil.rmtree(imported, ignore_errors=True)
    subprocess.run([twobit, "import", "qonnx", graph, imported], check=True)
    description = imported / "network.json"
    text, view = description.read_text(), f'  "view": {json.dumps(VIEW)},\n'
    description.write_text(text.replace('  "labels"', view + '  "labels"', 1))
    shutil.copytree(imported, folder, dirs_exist_ok=True)


def compare(twobit, graph, folder, data, test):
    """Compares the imported network's logits of the test pictures with the exported graph's."""
    compressed = (data / "privatetest-images-idx3-ubyte.xz").read_bytes()
    pictures = graph.parent / "privatetest-images-idx3-ubyte"
    pictures.write_bytes(lzma.decompress(compressed))
    scores = graph.parent / "scores.npy"
    subprocess.run(
        [
            twobit,
            "evaluate",
            "--network",
            folder,
            "--scores",
            scores,
            "--labels",
            data / "privatetest-labels-idx1-ubyte.gz",
            pictures,
        ],
        check=True,
    )
    expected = qonnx.logits(graph, test.pictures).numpy()
    last = json.loads((folder / "network.json").read_text())["layers"][-1]["name"]
    scale = np.load(folder / f"{last}.scale.npy").astype("f8")
    bias = np.load(folder / f"{last}.bias.npy").astype("f8")
    actual = np.load(scores)[: len(expected)] * scale + bias
    differing = (np.abs(actual - expected).max(1) > 1e-4).sum()
    report("exported graph", expected, test.labels)
    print(
        f"{differing} of {len(expected)} pictures have other scores than the exported graph",
        flush=True,
    )


def main(argv=None):
    options = recipe.parser(
        __doc__,
        "FER2013's IDX files (.xz, .gz)",
        float_epochs=[schedule.epochs for schedule in FLOAT],
        epochs=[schedule.epochs for schedule in LOW_BIT.values()],
        batch_size=64,
    )
    options.add_argument(
        "--twobit", default="twobit", help="the program, to import and compare with"
    )
    args = recipe.parse(options, argv)
    splits, work_dir = datasets.fer2013(args.data), args.work_dir / "emotion"
    work_dir.mkdir(parents=True, exist_ok=True)
    print(f"{len(splits.train.labels)} pictures to train on", flush=True)
    before = teacher = float_network(splits, args)
    for (bits, schedule), epochs in zip(LOW_BIT.items(), args.epochs, strict=True):
        name = f"emotion-w{bits}a{bits}"
        schedule = schedule._replace(epochs=epochs)
        before = low_bit_network(bits, schedule, before, teacher, splits, args)
        graph, folder = work_dir / f"{name}.onnx", args.networks / name
        export(before, graph)
        import_qonnx(args.twobit, graph, folder)
        compare(args.twobit, graph, folder, args.data, splits.test)


if __name__ == "__main__":
    main()
