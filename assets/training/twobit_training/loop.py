# SPDX-License-Identifier: MIT
"""The training loop: AdamW, one-cycle learning rate, crops and flips, soft targets from a teacher."""

import time

import torch
from torch.nn import functional as F


def to_input(pictures):
    """Bytes N×H×W×C to floats N×C×H×W, 0 … 1, channels last in memory."""
    return pictures.permute(0, 3, 1, 2).float() / 255


def augment(pictures, flips, shift, generator):
    """Moves each picture by up to `shift` pixels, its border repeated, and mirrors those marked."""
    count, height, width, channels = pictures.shape
    padded = F.pad(pictures.permute(0, 3, 1, 2).float(), [shift] * 4, mode="replicate").permute(0, 2, 3, 1)
    offsets = torch.randint(0, 2 * shift + 1, (count, 2), generator=generator).tolist()
    out = torch.empty(count, height, width, channels)
    for i, (y, x) in enumerate(offsets):
        out[i] = padded[i, y : y + height, x : x + width]
    out[flips] = out[flips].flip(2)
    gain = 1 + 0.2 * (2 * torch.rand(count, 1, 1, 1, generator=generator) - 1)
    return (out * gain).clamp_(0, 255).permute(0, 3, 1, 2) / 255


@torch.no_grad()
def outputs(model, pictures, batch=500):
    model.eval()
    return torch.cat([model(to_input(pictures[i : i + batch])) for i in range(0, len(pictures), batch)])


def accuracy(logits, labels, k=1):
    return (logits.topk(k).indices == labels[:, None]).any(1).float().mean().item()


@torch.no_grad()
def teach(model, pictures):
    """The teacher's logits for each picture and for its mirror image, in half precision."""
    plain = outputs(model, pictures).half()
    mirrored = outputs(model, pictures.flip(2)).half()
    return torch.stack([plain, mirrored], 1)


def train(model, split, val, *, epochs, lr, batch=256, shift=4, targets=None, distillation=0.7, weight_decay=0.01,
          smoothing=0.1, seed=1, checkpoint=None, log=print):
    """Trains in place. `targets` (N×2×classes, of `teach`) are mixed in with weight `distillation`.

    `checkpoint` names a file to go on from and to write after each epoch.
    """
    fast = torch.compile(model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
    steps = len(split.labels) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, lr, total_steps=epochs * steps, pct_start=0.15, final_div_factor=1000
    )
    start = 0
    if checkpoint and checkpoint.exists():
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        schedule.load_state_dict(saved["schedule"])
        start = saved["epoch"]
    for epoch in range(start, epochs):
        generator = torch.Generator().manual_seed(seed * 1000 + epoch)
        order = torch.randperm(len(split.labels), generator=generator)
        begun, total = time.time(), 0.0
        model.train()
        for step in range(steps):
            pick = order[step * batch : (step + 1) * batch]
            flips = torch.rand(batch, generator=generator) < 0.5
            x = augment(split.pictures[pick], flips, shift, generator)
            logits = fast(x)
            loss = F.cross_entropy(logits, split.labels[pick], label_smoothing=smoothing)
            if targets is not None:
                soft_targets = targets[pick, flips.long()].float().softmax(1)
                loss = (1 - distillation) * loss + distillation * F.cross_entropy(logits, soft_targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
            if step % 50 == 0:
                log(f"  step {step}/{steps} loss {total / (step + 1):.3f} {time.time() - begun:.0f} s", flush=True)
        held = accuracy(outputs(model, val.pictures), val.labels)
        log(f"epoch {epoch + 1}/{epochs} loss {total / steps:.3f} held-out top-1 {held:.4f} "
            f"{time.time() - begun:.0f} s", flush=True)
        if checkpoint:
            torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(),
                        "schedule": schedule.state_dict(), "epoch": epoch + 1}, checkpoint)
