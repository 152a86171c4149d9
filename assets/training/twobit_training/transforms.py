# SPDX-License-Identifier: MIT
"""Augmentation of grey pictures, a batch at a time. Pictures: N×1×H×W, 0 … 1."""

import math

import torch
from torch.nn import functional as F


def _uniform(count, low, high, generator):
    return low + (high - low) * torch.rand(count, generator=generator)


def random_affine(x, generator, *, flip=True, degrees=12, log_scale=0.12, translate=0.08, padding_mode="border"):
    """Mirrors, turns (degrees), stretches (logarithm of the factor, each axis a little apart) and shifts (part of
    the side); outside lies what grid_sample calls `border`."""
    n = len(x)
    angle = _uniform(n, -degrees, degrees, generator) * (math.pi / 180)
    size = _uniform(n, -log_scale, log_scale, generator)
    aspect = _uniform(n, -log_scale / 3, log_scale / 3, generator)
    across, down = torch.exp(size + aspect), torch.exp(size - aspect)
    if flip:
        across = torch.where(torch.rand(n, generator=generator) < 0.5, across, -across)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = across * angle.cos(), -down * angle.sin()
    theta[:, 1, 0], theta[:, 1, 1] = across * angle.sin(), down * angle.cos()
    theta[:, :, 2] = _uniform((n, 2), -2 * translate, 2 * translate, generator)
    grid = F.affine_grid(theta, x.shape, align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode=padding_mode, align_corners=False)


def colour_jitter(x, generator, *, contrast=0.25, brightness=0.1):
    n = (len(x), 1, 1, 1)
    mean = x.mean((1, 2, 3), keepdim=True)
    gain, add = _uniform(n, 1 - contrast, 1 + contrast, generator), _uniform(n, -brightness, brightness, generator)
    return ((x - mean) * gain + mean + add).clamp_(0, 1)


def random_erasing(x, generator, *, p=0.3, min_size=6, max_size=18):
    """Paints a rectangle of random grey over some of the pictures."""
    n, _, height, width = x.shape
    sides = torch.randint(min_size, max_size + 1, (n, 2), generator=generator)
    top = (torch.rand(n, generator=generator) * (height - sides[:, 0])).long()
    left = (torch.rand(n, generator=generator) * (width - sides[:, 1])).long()
    down, across = torch.arange(height)[None], torch.arange(width)[None]
    rows = (down >= top[:, None]) & (down < (top + sides[:, 0])[:, None])
    columns = (across >= left[:, None]) & (across < (left + sides[:, 1])[:, None])
    hit = torch.rand(n, generator=generator) < p
    mask = (rows[:, :, None] & columns[:, None, :] & hit[:, None, None])[:, None]
    return torch.where(mask, torch.rand(n, 1, 1, 1, generator=generator), x)
