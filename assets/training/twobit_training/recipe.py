# SPDX-License-Identifier: MIT
"""What the recipes share: their options, and the steps from a table of layers to a network folder.

A recipe trains a float network, then the low-bit network that learns from it, and exports that. A
work folder whose trainings are complete is only exported.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from . import export, training
from .evaluation import fit_temperature, outputs, report
from .network import Model

NETWORKS = Path(__file__).resolve().parents[2] / "networks"

# What a recipe may let its user choose; the default comes from the recipe.
OPTIONS = {
    "float_epochs": "epochs of the float network",
    "float_lr": "peak learning rate of the float network",
    "weight_decay": "weight decay of the float network",
    "epochs": "epochs of the low-bit network",
    "lr": "peak learning rate of the low-bit network",
    "batch_size": "pictures in a batch",
}


def parser(description, data_help, **defaults):
    """The argument parser of a recipe. defaults: the options of OPTIONS that it has.

    A default that is a list makes an option that takes as many values, one per training.
    """
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    options.add_argument("data", metavar="DATA", type=Path, help=f"folder with {data_help}")
    options.add_argument(
        "work_dir",
        metavar="WORK",
        type=Path,
        help="folder for checkpoints; an interrupted run continues from them",
    )
    for name, default in defaults.items():
        many = isinstance(default, list)
        options.add_argument(
            "--" + name.replace("_", "-"),
            type=type(default[0] if many else default),
            nargs=len(default) if many else None,
            metavar="N",
            default=default,
            help=OPTIONS[name] + (", one number per training" if many else ""),
        )
    options.add_argument(
        "--device",
        choices=("cpu", "cuda", "mps"),
        default="cuda" if torch.cuda.is_available() else "cpu",
        help="where to train: cuda where available, else cpu; the export runs on the CPU",
    )
    options.add_argument("--threads", metavar="N", type=int, default=2, help="threads on the CPU")
    options.add_argument(
        "--networks",
        metavar="FOLDER",
        type=Path,
        default=NETWORKS,
        help="folder that receives the network folders",
    )
    return options


def parse(options, argv):
    """The arguments `argv`, or those of the command line; sets PyTorch's number of threads."""
    args = options.parse_args(argv)
    torch.set_num_threads(args.threads)
    return args


def model(layers, train, device, dropout):
    """A float model on `device` for the pictures of the split `train`, whose mean it keeps."""
    height, width, channels = train.pictures.shape[1:]
    created = Model(layers, (channels, height, width), mean=0.0, dropout=dropout)
    return created.to(device, memory_format=torch.channels_last)


def _distilled_adamw(
    start, teacher, splits, augment, *, lr, weight_decay, epochs, batch_size, seed, checkpoint
):
    """AdamW, one epoch of warm-up and a cosine, averaged weights, perhaps a teacher."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    steps = len(splits.train.labels) // batch_size
    optimiser = training.adamw(start.parameters(), lr=lr, weight_decay=weight_decay)
    return training.train(
        start,
        splits.train,
        splits.val,
        training.augmented_batches(splits.train, augment, teacher),
        training.Loss(temperature=2.0),
        optimiser,
        training.cosine(optimiser, warmup_steps=steps, total_steps=epochs * steps),
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        ema_decay=0.999,
        checkpoint=checkpoint,
    )


def float_network(layers, splits, augment, args, work_dir, *, dropout):
    """Trains the float network of a table, with the options of `args`."""
    torch.manual_seed(1)
    trained = _distilled_adamw(
        model(layers, splits.train, args.device, dropout),
        None,
        splits,
        augment,
        lr=args.float_lr,
        weight_decay=args.weight_decay,
        epochs=args.float_epochs,
        batch_size=args.batch_size,
        seed=1,
        checkpoint=work_dir / "float.pt",
    )
    report("float", outputs(trained, splits.test.pictures), splits.test.labels)
    return trained


def low_bit_network(start, teacher, splits, augment, args, work_dir):
    """Trains the quantised model `start` on the labels and on the teacher's outputs."""
    trained = _distilled_adamw(
        start,
        teacher,
        splits,
        augment,
        lr=args.lr,
        weight_decay=0.0,
        epochs=args.epochs,
        batch_size=args.batch_size,
        seed=2,
        checkpoint=work_dir / "low-bit.pt",
    )
    report("low-bit", outputs(trained, splits.test.pictures), splits.test.labels)
    return trained


def export_network(trained, name, splits, work_dir, networks, *, labels=None, view=None, top=(1,)):
    """Writes the network folder, and the test pictures' integer scores to work_dir/scores.npy.

    The softmax is calibrated on the val split. labels: the classes' names, if no hand-written
    labels.txt is there. top: the k of the reported top-k accuracies.
    """
    folded = export.fold(trained.cpu())
    scores = export.integer_scores(folded, splits.test.pictures)
    report("integers", export.logits(folded, scores), splits.test.labels, top)

    val_logits = export.logits(folded, export.integer_scores(folded, splits.val.pictures))
    temperature = fit_temperature(torch.from_numpy(val_logits), splits.val.labels)
    export.apply_temperature(folded, temperature)
    report(
        f"integers at temperature {temperature:.3f}",
        export.logits(folded, scores),
        splits.test.labels,
        top,
    )

    export.write(trained, folded, name, networks / name, view)
    if labels:
        (networks / name / "labels.txt").write_text("\n".join(labels) + "\n")
    np.save(work_dir / "scores.npy", scores)  # to compare with `twobit evaluate --scores`
