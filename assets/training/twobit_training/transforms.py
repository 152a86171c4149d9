# SPDX-License-Identifier: MIT
"""Augmentation of a batch of pictures: float32 of shape (N, C, H, W), values 0 … 1.

All random numbers come from a generator on the CPU, so a seed means the same on every device.
"""

import math

import torch
from torch.nn import functional as F


def _uniform(shape, low, high, generator):
    return low + (high - low) * torch.rand(shape, generator=generator)


def random_affine(
    x, generator, *, flip=True, degrees=12, log_scale=0.12, translate=0.08, padding_mode="border"
):
    """Flips, rotates, scales and shifts each picture at random.

    flip: mirror half of the pictures left to right. degrees: largest rotation. log_scale: largest
    logarithm of the scale; the two axes differ by up to a third of it. translate: largest shift,
    as a fraction of the side. padding_mode: what lies outside the picture, as in `grid_sample`.
    """
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
    grid = F.affine_grid(theta.to(x.device), x.shape, align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode=padding_mode, align_corners=False)


def random_crop_flip(pictures, generator, *, shift=4, gain=0.2):
    """Shifts each picture by up to `shift` pixels, repeating its border, and mirrors half of them.

    Takes uint8 of shape (N, H, W, C), 0 … 255; the brightness is multiplied by 1 − gain … 1 + gain.
    Returns the augmented pictures and which of them were mirrored, bool of shape (N,) on the CPU.
    """
    n, height, width, _ = pictures.shape
    device = pictures.device
    flipped = torch.rand(n, generator=generator) < 0.5
    top, left = torch.randint(0, 2 * shift + 1, (n, 2), generator=generator).to(device).unbind(1)
    factor = (1 + gain * (2 * torch.rand(n, 1, 1, 1, generator=generator) - 1)).to(device)
    padded = F.pad(pictures.permute(0, 3, 1, 2).float(), [shift] * 4, mode="replicate")
    rows = top[:, None, None] + torch.arange(height, device=device)[:, None]
    columns = left[:, None, None] + torch.arange(width, device=device)
    index = torch.arange(n, device=device)[:, None, None]
    cropped = padded.permute(0, 2, 3, 1)[index, rows, columns].contiguous()
    mirrored = torch.where(flipped.to(device)[:, None, None, None], cropped.flip(2), cropped)
    return (mirrored * factor).clamp_(0, 255).permute(0, 3, 1, 2) / 255, flipped


def colour_jitter(x, generator, *, contrast=0.25, brightness=0.1):
    """Scales each picture's contrast by 1 ± contrast and adds up to ± brightness."""
    shape = (len(x), 1, 1, 1)
    mean = x.mean((1, 2, 3), keepdim=True)
    factor = _uniform(shape, 1 - contrast, 1 + contrast, generator).to(x.device)
    offset = _uniform(shape, -brightness, brightness, generator).to(x.device)
    return ((x - mean) * factor + mean + offset).clamp_(0, 1)


def random_erasing(x, generator, *, p=0.3, min_size=6, max_size=18):
    """Fills a rectangle with a random grey in a fraction `p` of the pictures; sizes in pixels."""
    n, _, height, width = x.shape
    sides = torch.randint(min_size, max_size + 1, (n, 2), generator=generator)
    top = (torch.rand(n, generator=generator) * (height - sides[:, 0])).long()
    left = (torch.rand(n, generator=generator) * (width - sides[:, 1])).long()
    down, across = torch.arange(height)[None], torch.arange(width)[None]
    rows = (down >= top[:, None]) & (down < (top + sides[:, 0])[:, None])
    columns = (across >= left[:, None]) & (across < (left + sides[:, 1])[:, None])
    erased = torch.rand(n, generator=generator) < p
    mask = (rows[:, :, None] & columns[:, None, :] & erased[:, None, None])[:, None]
    grey = torch.rand(n, 1, 1, 1, generator=generator)
    return torch.where(mask.to(x.device), grey.to(x.device), x)
