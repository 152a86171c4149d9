# SPDX-License-Identifier: MIT
"""Augmentation of grey pictures, a batch at a time. Pictures: N×1×H×W, 0 … 1."""

import math

import torch
from torch.nn import functional as F


def _uniform(count, low, high, generator):
    return low + (high - low) * torch.rand(count, generator=generator)


def move(x, generator, *, mirror=True, turn=12, stretch=0.12, shift=0.08, border="border"):
    """Mirrors, turns (degrees), stretches (logarithm of the factor, each axis a little apart) and shifts (part of
    the side); outside lies what grid_sample calls `border`."""
    n = len(x)
    angle = _uniform(n, -turn, turn, generator) * (math.pi / 180)
    size = _uniform(n, -stretch, stretch, generator)
    aspect = _uniform(n, -stretch / 3, stretch / 3, generator)
    across, down = torch.exp(size + aspect), torch.exp(size - aspect)
    if mirror:
        across = torch.where(torch.rand(n, generator=generator) < 0.5, across, -across)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = across * angle.cos(), -down * angle.sin()
    theta[:, 1, 0], theta[:, 1, 1] = across * angle.sin(), down * angle.cos()
    theta[:, :, 2] = _uniform((n, 2), -2 * shift, 2 * shift, generator)
    grid = F.affine_grid(theta, x.shape, align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode=border, align_corners=False)


def relight(x, generator, *, contrast=0.25, light=0.1):
    n = (len(x), 1, 1, 1)
    mean = x.mean((1, 2, 3), keepdim=True)
    gain, add = _uniform(n, 1 - contrast, 1 + contrast, generator), _uniform(n, -light, light, generator)
    return ((x - mean) * gain + mean + add).clamp_(0, 1)


def erase(x, generator, *, chance=0.3, least=6, most=18):
    """Paints a rectangle of random grey over some of the pictures."""
    n, _, height, width = x.shape
    sides = torch.randint(least, most + 1, (n, 2), generator=generator)
    top = (torch.rand(n, generator=generator) * (height - sides[:, 0])).long()
    left = (torch.rand(n, generator=generator) * (width - sides[:, 1])).long()
    down, across = torch.arange(height)[None], torch.arange(width)[None]
    rows = (down >= top[:, None]) & (down < (top + sides[:, 0])[:, None])
    columns = (across >= left[:, None]) & (across < (left + sides[:, 1])[:, None])
    hit = torch.rand(n, generator=generator) < chance
    mask = (rows[:, :, None] & columns[:, None, :] & hit[:, None, None])[:, None]
    return torch.where(mask, torch.rand(n, 1, 1, 1, generator=generator), x)
