# SPDX-License-Identifier: MIT
"""The training loop of the grey networks: SGD or AdamW, warm-up and cosine, averaged weights, perhaps a teacher."""

import copy
import math
import time

import torch
from torch.nn import functional as F

from .loop import accuracy, outputs, to_input


@torch.no_grad()
def _average(mean, model, decay):
    for a, b in zip(mean.state_dict().values(), model.state_dict().values()):
        if a.dtype.is_floating_point:
            a.lerp_(b.to(a.dtype), 1 - decay)
        else:
            a.copy_(b)


def fit(model, split, val, augment, *, epochs, lr, batch=64, weight_decay=5e-4, smoothing=0.1, adam=False, warmup=1.0,
        ema_decay=0.999, teacher=None, distillation=0.7, temperature=2.0, after_step=None, groups=None, seed=1, checkpoint, log=print):
    """Trains and returns the averaged model, or the last one if it does better on `val`.

    Goes on from the file `checkpoint`, written after each epoch. `augment(x, generator)` takes and gives pictures
    0 … 1. `teacher` sees the same pictures; its outputs, softened by `temperature`, are mixed in with weight `distillation`.
    `groups(model)` gives the optimiser its groups of parameters; `after_step(model)` follows each step.
    """
    groups = groups(model) if groups else model.parameters()
    if adam:
        optimiser = torch.optim.AdamW(groups, lr=lr, weight_decay=weight_decay, fused=True)
    else:
        optimiser = torch.optim.SGD(groups, lr=lr, momentum=0.9, nesterov=True, weight_decay=weight_decay)
    steps = len(split.labels) // batch
    total = epochs * steps

    def factor(step):
        if step < warmup * steps:
            return (step + 1) / (warmup * steps)
        return 0.5 * (1 + math.cos(math.pi * (step - warmup * steps) / max(1, total - warmup * steps)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
    mean, start = copy.deepcopy(model), 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=False)
        model.load_state_dict(state["model"])
        mean.load_state_dict(state["mean"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        start = state["epoch"]
    if teacher:
        teacher.eval()
    for epoch in range(start, epochs):
        generator = torch.Generator().manual_seed(seed * 1000 + epoch)
        torch.manual_seed(seed * 1000 + epoch)
        order = torch.randperm(len(split.labels), generator=generator)
        begun, loss_sum, right = time.time(), 0.0, 0
        model.train()
        for step in range(steps):
            pick = order[step * batch : (step + 1) * batch]
            labels = split.labels[pick]
            x = augment(to_input(split.pictures[pick]), generator).contiguous(memory_format=torch.channels_last)
            logits = model(x)
            loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
            if teacher:
                with torch.no_grad():
                    soft_targets = (teacher(x) / temperature).softmax(1)
                loss = (1 - distillation) * loss + distillation * temperature**2 * F.cross_entropy(logits / temperature, soft_targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            if after_step:
                after_step(model)
            done = epoch * steps + step
            _average(mean, model, min(ema_decay, (1 + done) / (10 + done)))
            loss_sum += loss.item()
            right += (logits.detach().argmax(1) == labels).sum().item()
            if step % 100 == 0:
                log(f"  step {step}/{steps} loss {loss_sum / (step + 1):.3f} {time.time() - begun:.0f} s", flush=True)
        now = accuracy(outputs(model, val.pictures), val.labels)
        held = accuracy(outputs(mean, val.pictures), val.labels)
        log(f"epoch {epoch + 1}/{epochs} loss {loss_sum / steps:.4f} train {right / (steps * batch):.4f} "
            f"held-out {now:.4f} averaged {held:.4f} {time.time() - begun:.0f} s", flush=True)
        part = checkpoint.with_suffix(".part")
        torch.save({"model": model.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict(),
                    "schedule": schedule.state_dict(), "epoch": epoch + 1, "held": held}, part)
        part.replace(checkpoint)
    now, held = (accuracy(outputs(each, val.pictures), val.labels) for each in (model, mean))
    return mean if held >= now else model
