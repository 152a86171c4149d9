# SPDX-License-Identifier: MIT
"""Running a model on a split, and what its logits are worth: accuracy and calibration.

Logits: float of shape (N, classes); labels: int64 of shape (N,). Both lie on the CPU.
"""

import torch
from torch.nn import functional as F


def to_input(pictures):
    """uint8 (N, H, W, C), 0 … 255, to float32 (N, C, H, W), 0 … 1, channels last in memory."""
    return pictures.permute(0, 3, 1, 2).float() / 255


@torch.no_grad()
def outputs(model, pictures, batch_size=500):
    """The model's logits of all pictures, (N, classes), on the CPU; the model is in eval mode."""
    model.eval()
    device = next(model.parameters()).device
    batches = pictures.split(batch_size)
    return torch.cat([model(to_input(batch.to(device))).cpu() for batch in batches])


def accuracy(logits, labels, k=1):
    """The fraction of pictures whose label is among the k largest logits."""
    return (logits.topk(k).indices == labels[:, None]).any(1).float().mean().item()


@torch.no_grad()
def fit_temperature(logits, labels):
    """The temperature T, 0.1 … 10, for which softmax(logits / T) has the least cross-entropy.

    See Guo et al., 2017, arXiv:1706.04599. Fit it on the val split.
    """
    candidates = torch.logspace(-1, 1, 2001, dtype=torch.float64).tolist()
    return min(candidates, key=lambda t: F.cross_entropy(logits / t, labels).item())


@torch.no_grad()
def calibration_error(logits, labels, bins=15):
    """The expected calibration error, 0 … 1.

    That is how far confidence and accuracy lie apart, averaged over bins of confidence.
    """
    confidence, guess = logits.softmax(1).max(1)
    correct = (guess == labels).to(confidence.dtype)
    index = (confidence * bins).long().clamp_max(bins - 1)
    gaps = (correct - confidence)[:, None] * F.one_hot(index, bins)
    return gaps.sum(0).abs().sum().item() / len(labels)


def report(name, logits, labels, top=(1,)):
    """Prints one line: the top-k accuracy for each k of `top`, and the calibration error."""
    logits = torch.as_tensor(logits).double()
    accuracies = " ".join(f"top-{k} {accuracy(logits, labels, k):.4f}" for k in top)
    error = calibration_error(logits, labels)
    print(f"{name}: {accuracies} calibration error {error:.4f}", flush=True)
