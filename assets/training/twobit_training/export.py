# SPDX-License-Identifier: MIT
"""From a trained model to integers, and to a network folder (docs/formats.md is the format)."""

import json
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional as F

from .network import Conv, Pool
from .quantisers import weight_codes


@dataclass
class Folded:
    """One layer in integers; `arrays` are named as in the network folder."""

    layer: object
    codes: torch.Tensor = None
    arrays: dict = field(default_factory=dict)


def _thresholds(slope, intercept, bits):
    """Thresholds on the accumulator for code = round(clamp(slope · acc + intercept) · levels).

    With a negative slope the code falls as the accumulator rises: the thresholds then say where the inverted
    code rises.
    """
    levels = 2**bits - 1
    borders = (np.arange(levels) + 0.5) / levels
    invert = slope < 0
    flat = np.where(slope == 0, 1.0, slope)
    at = (borders[None, :] - intercept[:, None]) / flat[:, None]
    # rising: acc ≥ ceil(at). falling: the code counts acc ≤ floor(at), its inverse acc ≥ floor(at) + 1.
    found = np.where(invert[:, None], np.floor(at) + 1, np.ceil(at))
    constant = np.where(intercept[:, None] >= borders[None, :], -(2**31), 2**31 - 1)
    found = np.where((slope == 0)[:, None], constant, found)
    found = np.sort(np.clip(found, -(2**31), 2**31 - 1), axis=1)
    return found.astype("<i4"), invert.astype("u1")


def _rescaling(slope, intercept, bits):
    """Multiplier, addend and shift for code = round(clamp(slope · acc + intercept) · levels), halves rounded up.

    The shift is the largest that leaves the multiplier 31 bits and the addend 62; a code is then off by one for
    accumulators that lie within about 2^−22 codes of a border.
    """
    levels = 2**bits - 1
    slope, intercept = slope * levels, intercept * levels + 0.5
    shift = np.minimum(31 - np.frexp(slope)[1], 62 - np.frexp(intercept)[1]).clip(0, 62)
    multiplier = np.rint(np.ldexp(slope, shift)).clip(-(2**31), 2**31 - 1)
    addend = np.floor(np.ldexp(intercept, shift)).clip(-(2**62), 2**62)
    return {"multiplier": multiplier.astype("<i4"), "addend": addend.astype("<i8"), "shift": shift.astype("u1")}


@torch.no_grad()
def fold(model):
    """Batch norm, scales and the input's mean become integer thresholds, for 8-bit codes a rescaling; the last
    layer's, a scale and a bias."""
    folded, unit, mean = [], 1 / 255, model.mean
    for layer in model.table:
        if isinstance(layer, Pool):
            folded.append(Folded(layer))
            continue
        conv, norm = model.weights[layer.name], model.norms[layer.name]
        codes, scale = weight_codes(conv.weight, layer.weight_bits)
        scale = scale.flatten().double().numpy()
        gain = (norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)).numpy()
        shift = norm.bias.double().numpy() - gain * norm.running_mean.double().numpy()
        slope = gain * scale * unit
        intercept = shift - gain * scale * mean * codes.double().sum((1, 2, 3)).numpy()
        out = Folded(layer, codes)
        rows = codes.permute(0, 2, 3, 1).reshape(codes.shape[0], -1).numpy()
        if layer.weight_bits == 1:
            out.arrays["weights"] = np.packbits(rows > 0, axis=1, bitorder="little")
        else:
            out.arrays["weights"] = codes.permute(0, 2, 3, 1).numpy().astype("i1")
        if layer.output_bits == 32:
            out.arrays["scale"], out.arrays["bias"] = slope.astype("<f4"), intercept.astype("<f4")
        elif layer.output_bits == 8:
            out.arrays |= _rescaling(slope, intercept, layer.output_bits)
            unit = 1 / 255
        else:
            out.arrays["thresholds"], invert = _thresholds(slope, intercept, layer.output_bits)
            if invert.any():
                out.arrays["invert"] = invert
            unit = 1 / (2**layer.output_bits - 1)
        folded.append(out)
        mean = 0
    return folded


def _accumulators(step, x, input_bits):
    """Sums of a layer as float64, computed in float32 where no sum can reach 2^24, so that both are exact."""
    layer = step.layer
    stride, padding = (layer.stride, layer.padding) if isinstance(layer, Conv) else (1, 0)
    largest = step.codes.abs().sum((1, 2, 3)).max() * (2**input_bits - 1)
    kind = torch.float32 if largest < 2**24 else torch.float64
    return F.conv2d(x.to(kind), step.codes.to(kind), stride=stride, padding=padding).double()


def _codes(step, sums):
    """The codes of a layer's accumulators, by its thresholds or its rescaling."""
    arrays = {name: torch.from_numpy(values.astype("i8")).unsqueeze(-1).unsqueeze(-1)
              for name, values in step.arrays.items() if name != "weights"}
    levels = 2**step.layer.output_bits - 1
    if "multiplier" in arrays:
        whole = sums.long() * arrays["multiplier"] + arrays["addend"]
        return (whole >> arrays["shift"]).clamp(0, levels).float()
    codes = sum((sums >= arrays["thresholds"][:, k]).float() for k in range(levels))
    if "invert" in arrays:
        codes = torch.where(arrays["invert"].bool(), levels - codes, codes)
    return codes


@torch.no_grad()
def integer_scores(folded, pictures, batch=250):
    """The folded network on pictures (bytes, N×H×W×C): int32 scores N×classes, bit for bit those of the program."""
    scores = []
    for begin in range(0, len(pictures), batch):
        x, bits = pictures[begin : begin + batch].permute(0, 3, 1, 2).float(), 8
        for step in folded:
            if isinstance(step.layer, Pool):
                x = F.max_pool2d(x, step.layer.kernel, step.layer.stride)
                continue
            x, bits = _accumulators(step, x, bits), step.layer.output_bits
            if bits < 32:
                x = _codes(step, x)
        scores.append(x.flatten(1).to(torch.int32))
    return torch.cat(scores).numpy()


def logits(folded, scores):
    """In double precision, as the program does it."""
    last = folded[-1].arrays
    return scores.astype("f8") * last["scale"].astype("f8") + last["bias"].astype("f8")


def apply_temperature(folded, temperature):
    """Divides the logits by the temperature; no class changes its place."""
    last = folded[-1].arrays
    for name in ("scale", "bias"):
        last[name] = (last[name].astype("f8") / temperature).astype("<f4")


def _entry(step, before, after, input_bits):
    layer = step.layer
    entry = {"name": layer.name, "input_bits": input_bits}
    if isinstance(layer, Pool):
        entry |= {"func": "maxpool_layer", "output_bits": input_bits, "kernel_shape": layer.kernel,
                  "kernel_stride": layer.stride, "padding": 0}
    else:
        entry |= {"func": "fc_layer", "output_bits": layer.output_bits, "weight_bits": layer.weight_bits}
        if isinstance(layer, Conv):
            entry |= {"func": "conv_layer", "kernel_shape": layer.kernel, "kernel_stride": layer.stride,
                      "padding": layer.padding}
    return entry | {"input_channels": before[0], "input": list(before), "output_channels": after[0],
                    "output": list(after)}


def write(model, folded, name, folder, view=None):
    """Writes network.json and the arrays into the folder, beside its hand-written labels.txt and, if there is
    one, groups.txt. `view`: how the network looks at a picture."""
    folder.mkdir(parents=True, exist_ok=True)
    entries, bits = [], 8
    for step in folded:
        entries.append(_entry(step, *model.shapes[step.layer.name], bits))
        bits = entries[-1]["output_bits"]
        for array, values in step.arrays.items():
            np.save(folder / f"{step.layer.name}.{array}.npy", np.ascontiguousarray(values))
    head = {"format": 1, "network": name, "labels": "labels.txt"}
    if (folder / "groups.txt").exists():
        head["groups"] = "groups.txt"
    if view:
        head["view"] = view
    lines = ",\n".join("    " + json.dumps(entry) for entry in entries)
    text = json.dumps(head, indent=2)[:-2] + ',\n  "layers": [\n' + lines + "\n  ]\n}\n"
    json.loads(text)
    (folder / "network.json").write_text(text)
