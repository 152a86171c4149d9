#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""emotion-w8a8, -w4a4, -w2a2: 48×48 grey faces, seven emotions of FER2013; the float network, then 8, 4 or 2 bits
with Brevitas, exported as QONNX and imported by `twobit import qonnx`."""

import json
import lzma
import shutil
import subprocess

import numpy as np
import torch
from torch import nn

from twobit_training import fit, loop, recipe, sets, transforms
from twobit_training.calibration import fit_temperature

# channels of the 3×3 convolutions without padding; True: then pool 2
LAYERS = [(32, False), (64, True), (128, False), (128, True), (256, False), (256, True)]
HIDDEN = 256
LABELS = ["angry", "disgusted", "afraid", "happy", "sad", "surprised", "neutral"]
VIEW = {"kind": "box"}

# The float training, its learning rate falling to nothing three times (Loshchilov and Hutter, 2017, arXiv:1608.03983); the last
# time the network learns from itself (Furlanello et al., 2018, arXiv:1805.04770). Then the low-bit trainings, in this
# order, each from the weights of the one before, the float network being the teacher. Columns: epochs, peak learning rate, weight
# decay, dropout in front of the two fully connected layers, strength of the augmentation; float: epochs of warm-up, and
# whether the network before is the teacher.
FLOAT = [
    (18, 0.04, 5e-4, (0.2, 0.4), 1.0, 1.0, False),
    (10, 0.03, 2e-4, (0.05, 0.2), 0.6, 1.0, False),
    (5, 0.02, 2e-4, (0.1, 0.3), 0.8, 0.3, True),
]
LOW = {
    8: (1, 1e-4, 0.01, (0.0, 0.2), 0.6),
    4: (3, 6e-4, 0.01, (0.0, 0.2), 0.6),
    2: (6, 1e-3, 0.01, (0.0, 0.1), 0.5),
}


class Emotion(nn.Module):
    """`bits` None: the float network. Each layer: weights, batch norm, ReLU. The logits are divided by `temperature`.

    In training the pool stands before the ReLU, which gives the same and costs less; `pool_last` puts it behind.
    """

    def __init__(self, bits=None, dropout=(0.2, 0.4)):
        super().__init__()
        if bits is None:
            conv = lambda i, o: nn.Conv2d(i, o, 3, bias=False)
            linear = lambda i, o, bias: nn.Linear(i, o, bias=bias)
            relu = lambda: nn.ReLU(inplace=True)
            self.input = nn.Identity()
        else:
            from twobit_training import brevitas_layers as low

            conv = lambda i, o: low.conv(i, o, 3, bits)
            linear = lambda i, o, bias: low.linear(i, o, bits, bias)
            relu = lambda: low.relu(bits)
            self.input = low.pixels()
        self.pool_last, self.temperature = False, 1.0
        self.convs, self.norms, self.acts = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        before = 1
        for channels, _ in LAYERS:
            self.convs.append(conv(before, channels))
            self.norms.append(nn.BatchNorm2d(channels))
            self.acts.append(relu())
            before = channels
        self.fc0, self.norm0, self.act0 = linear(4 * before, HIDDEN, False), nn.BatchNorm1d(HIDDEN), relu()
        self.fc1 = linear(HIDDEN, len(LABELS), True)
        self.drop0, self.drop1 = nn.Dropout(dropout[0]), nn.Dropout(dropout[1])

    def forward(self, x):
        x = self.input(x)
        for (_, pool), conv, norm, act in zip(LAYERS, self.convs, self.norms, self.acts):
            x = norm(conv(x))
            if pool and not self.pool_last:
                x = nn.functional.max_pool2d(x, 2)
            x = act(x)
            if pool and self.pool_last:
                x = nn.functional.max_pool2d(x, 2)
        x = self.drop0(x.flatten(1))
        x = self.drop1(self.act0(self.norm0(self.fc0(x))))
        return self.fc1(x) / self.temperature


def augment(strength):
    def of(x, generator):
        x = transforms.random_affine(x, generator, degrees=12 * strength, log_scale=0.12 * strength, translate=0.08 * strength)
        x = transforms.colour_jitter(x, generator, contrast=0.25 * strength, brightness=0.1 * strength)
        return transforms.random_erasing(x, generator, p=0.3 * strength)
    return of


def groups(weight_decay):
    """Weight decay for the weights only, not for norms, biases and scales."""
    def of(model):
        heavy = [p for name, p in model.named_parameters() if p.dim() > 1 and name.endswith(".weight")]
        light = [p for name, p in model.named_parameters() if p.dim() <= 1 or not name.endswith(".weight")]
        return [{"params": heavy, "weight_decay": weight_decay}, {"params": light, "weight_decay": 0.0}]
    return of


def float_network(splits, work_dir):
    train, val, test = splits
    torch.manual_seed(1)
    before = None
    for cycle, (epochs, lr, weight_decay, dropout, strength, warmup, taught) in enumerate(FLOAT):
        model = Emotion(dropout=dropout).to(memory_format=torch.channels_last)
        if before:
            model.load_state_dict(before.state_dict())
        before = fit.fit(model, train, val, augment(strength), epochs=epochs, lr=lr, groups=groups(weight_decay),
                         warmup=warmup, teacher=before if taught else None, seed=1 + cycle,
                         checkpoint=work_dir / f"float{cycle}.pt")
        recipe.report(f"float, cycle {cycle}", loop.outputs(before, test.pictures), test.labels)
    return before


def low_bit_network(bits, before, teacher, splits, work_dir):
    from twobit_training import brevitas_layers

    train, val, test = splits
    epochs, lr, weight_decay, dropout, strength = LOW[bits]
    model = Emotion(bits, dropout).to(memory_format=torch.channels_last)
    model.load_state_dict(before.state_dict(), strict=False)
    generator = torch.Generator().manual_seed(bits)
    brevitas_layers.calibrate(model, augment(strength)(loop.to_input(train.pictures[:256]), generator))
    model = fit.fit(model, train, val, augment(strength), epochs=epochs, lr=lr, adam=True, groups=groups(weight_decay),
                    warmup=0.5, smoothing=0.05, teacher=teacher, seed=bits, checkpoint=work_dir / f"w{bits}a{bits}.pt")
    recipe.report(f"w{bits}a{bits}", loop.outputs(model, test.pictures), test.labels)
    model.temperature = fit_temperature(loop.outputs(model, val.pictures).double(), val.labels)
    recipe.report(f"w{bits}a{bits} at temperature {model.temperature:.3f}", loop.outputs(model, test.pictures), test.labels)
    return model


def export(model, path):
    """QONNX, one file: the layers in the order of the table."""
    from brevitas.export import export_qonnx

    model = model.to(memory_format=torch.contiguous_format).eval()
    model.pool_last = True
    export_qonnx(model, args=torch.zeros(1, 1, 48, 48), export_path=str(path), dynamo=False)
    model.pool_last = False


def import_qonnx(twobit, path, folder):
    """The network folder; what stands there besides, its card, stays."""
    (path.parent / "labels.txt").write_text("\n".join(LABELS) + "\n")
    imported = path.with_suffix("")
    shutil.rmtree(imported, ignore_errors=True)
    subprocess.run([twobit, "import", "qonnx", path, imported], check=True)
    text = (imported / "network.json").read_text()
    (imported / "network.json").write_text(text.replace('  "labels"', f'  "view": {json.dumps(VIEW)},\n  "labels"', 1))
    shutil.copytree(imported, folder, dirs_exist_ok=True)


def compare(twobit, path, folder, data, test):
    """The imported network's logits of the test pictures with those of the exported graph."""
    from twobit_training import qonnx

    pictures, scores = path.parent / "privatetest-images-idx3-ubyte", path.parent / "scores.npy"
    pictures.write_bytes(lzma.open(data / "privatetest-images-idx3-ubyte.xz").read())
    subprocess.run([twobit, "evaluate", "--network", folder, "--scores", scores, "--labels",
                    data / "privatetest-labels-idx1-ubyte.gz", pictures], check=True)
    wanted = qonnx.logits(path, test.pictures).numpy()
    last = json.loads((folder / "network.json").read_text())["layers"][-1]["name"]
    scale, bias = (np.load(folder / f"{last}.{array}.npy").astype("f8") for array in ("scale", "bias"))
    found = np.load(scores)[: len(wanted)] * scale + bias
    differs = (np.abs(found - wanted).max(1) > 1e-4).sum()
    recipe.report("exported graph", wanted, test.labels)
    print(f"{differs} of {len(wanted)} pictures have other scores than the exported graph gives", flush=True)


def main():
    parser = recipe.parser(__doc__)
    parser.add_argument("--twobit", default="twobit", help="the program, to import and compare with")
    args = recipe.arguments(parser)
    splits, work_dir = sets.fer2013(args.data), args.work_dir / "emotion"
    work_dir.mkdir(parents=True, exist_ok=True)
    print(f"{len(splits[0].labels)} pictures to train on", flush=True)
    before = teacher = float_network(splits, work_dir)
    for bits in LOW:
        name = f"emotion-w{bits}a{bits}"
        before = low_bit_network(bits, before, teacher, splits, work_dir)
        export(before, work_dir / f"{name}.onnx")
        import_qonnx(args.twobit, work_dir / f"{name}.onnx", args.folder / name)
        compare(args.twobit, work_dir / f"{name}.onnx", args.folder / name, args.data, splits[2])


if __name__ == "__main__":
    main()
