# SPDX-License-Identifier: MIT
"""The training loop that all recipes share, its optimisers and its learning-rate schedules."""

import copy
import math
import time
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .evaluation import accuracy, outputs, to_input


def adamw(params, *, lr, weight_decay):
    return torch.optim.AdamW(params, lr=lr, weight_decay=weight_decay, fused=True)


def sgd(params, *, lr, weight_decay):
    """SGD with Nesterov momentum 0.9."""
    return torch.optim.SGD(params, lr=lr, momentum=0.9, nesterov=True, weight_decay=weight_decay)


def cosine(optimiser, *, warmup_steps, total_steps):
    """A linear warm-up to the optimiser's learning rate, then half a cosine down to 0."""

    def factor(step):
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * progress))

    return torch.optim.lr_scheduler.LambdaLR(optimiser, factor)


def one_cycle(optimiser, *, lr, total_steps):
    """PyTorch's one-cycle schedule: up to `lr` in 15 % of the steps, then down to almost 0."""
    return torch.optim.lr_scheduler.OneCycleLR(
        optimiser, lr, total_steps=total_steps, pct_start=0.15, final_div_factor=1000
    )


@dataclass
class Loss:
    """Cross-entropy on the labels; with a teacher, mixed with cross-entropy on its soft targets.

    distillation: the weight of the soft targets, 0 … 1. temperature: what both logits are divided
    by for them (Hinton et al., 2015, arXiv:1503.02531).
    """

    label_smoothing: float = 0.1
    distillation: float = 0.7
    temperature: float = 1.0

    def __call__(self, logits, labels, teacher_logits=None):
        loss = F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        if teacher_logits is None:
            return loss
        soft_targets = (teacher_logits / self.temperature).softmax(1)
        soft_loss = F.cross_entropy(logits / self.temperature, soft_targets)
        return (1 - self.distillation) * loss + self.distillation * self.temperature**2 * soft_loss


def augmented_batches(split, augment, teacher=None):
    """Batches for `train`: augmented pictures, and the logits that the teacher gives for them.

    augment(x, generator) takes and returns float32 (N, C, H, W), 0 … 1.
    """
    if teacher:
        teacher.eval()

    def batch_of(index, generator, device):
        x = augment(to_input(split.pictures[index].to(device)), generator)
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            return x, teacher(x) if teacher else None

    return batch_of


@torch.no_grad()
def _update_average(average, model, decay):
    """average = decay · average + (1 − decay) · model; integers are copied."""
    for mean, value in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(value.to(mean.dtype), 1 - decay)
        else:
            mean.copy_(value)


class _Checkpoint:
    """The state after an epoch, in a file that is replaced as a whole."""

    def __init__(self, path, **parts):
        self.path, self.parts = path, {name: part for name, part in parts.items() if part}

    def load(self, device):
        """Restores the parts and returns how many epochs are done."""
        if not self.path.exists():
            return 0
        state = torch.load(self.path, map_location=device)
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        return state["epoch"]

    def save(self, epoch):
        state = {name: part.state_dict() for name, part in self.parts.items()}
        partial = self.path.with_suffix(".part")
        torch.save(state | {"epoch": epoch}, partial)
        partial.replace(self.path)


def train(
    model,
    split,
    val,
    batch_of,
    loss,
    optimiser,
    schedule,
    *,
    epochs,
    batch_size,
    checkpoint,
    seed=1,
    ema_decay=None,
    compiled=False,
):
    """Trains `model` on the device where its parameters lie, and returns it.

    batch_of(index, generator, device): the batch's input, (N, C, H, W), and the teacher's logits or
    None. checkpoint: a file, written after each epoch, from which an interrupted run continues.
    ema_decay: if set, an exponential moving average of the weights is kept, and it is returned
    where it does at least as well on `val`. compiled: run the model through torch.compile.
    """
    device = next(model.parameters()).device
    average = copy.deepcopy(model) if ema_decay else None
    forward = torch.compile(model) if compiled else model
    steps = len(split.labels) // batch_size
    saved = _Checkpoint(
        checkpoint, model=model, average=average, optimiser=optimiser, schedule=schedule
    )

    def val_accuracy(candidate):
        return accuracy(outputs(candidate, val.pictures), val.labels)

    for epoch in range(saved.load(device), epochs):
        torch.manual_seed(seed * 1000 + epoch)
        generator = torch.Generator().manual_seed(seed * 1000 + epoch)
        order = torch.randperm(len(split.labels), generator=generator)
        begin, loss_sum, correct = time.monotonic(), 0.0, 0
        model.train()
        for step, index in enumerate(order[: steps * batch_size].split(batch_size)):
            labels = split.labels[index].to(device)
            x, teacher_logits = batch_of(index, generator, device)
            logits = forward(x)
            batch_loss = loss(logits, labels, teacher_logits)
            optimiser.zero_grad()
            batch_loss.backward()
            optimiser.step()
            schedule.step()
            if average:
                done = epoch * steps + step
                _update_average(average, model, min(ema_decay, (1 + done) / (10 + done)))
            loss_sum += batch_loss.item()
            correct += (logits.detach().argmax(1) == labels).sum().item()
            if step % 100 == 0:
                print(
                    f"  step {step}/{steps} loss {loss_sum / (step + 1):.3f} "
                    f"{time.monotonic() - begin:.0f} s",
                    flush=True,
                )
        scores = f"val {val_accuracy(model):.4f}"
        if average:
            scores += f" averaged {val_accuracy(average):.4f}"
        print(
            f"epoch {epoch + 1}/{epochs} loss {loss_sum / steps:.4f} "
            f"train {correct / (steps * batch_size):.4f} {scores} "
            f"{time.monotonic() - begin:.0f} s",
            flush=True,
        )
        saved.save(epoch + 1)
    if average and val_accuracy(average) >= val_accuracy(model):
        return average
    return model
