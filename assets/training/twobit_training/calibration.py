# SPDX-License-Identifier: MIT
"""How far confidences can be believed, and the temperature that mends them (Guo et al., 2017, arXiv:1706.04599)."""

import torch
from torch.nn import functional as F


@torch.no_grad()
def fit_temperature(logits, labels):
    """What to divide the logits by for the least negative log likelihood; to be fitted on the validation split."""
    steps = torch.logspace(-1, 1, 2001, dtype=torch.float64)
    return min(steps.tolist(), key=lambda temperature: F.cross_entropy(logits / temperature, labels).item())


@torch.no_grad()
def calibration_error(logits, labels, bins=15):
    """The expected calibration error: how far confidence and accuracy lie apart, averaged over bins of confidence."""
    confidence, guess = logits.softmax(1).max(1)
    right = (guess == labels).to(confidence.dtype)
    index = (confidence * bins).long().clamp_max(bins - 1)
    return sum((right - confidence)[index == b].sum().abs().item() for b in range(bins)) / len(labels)
