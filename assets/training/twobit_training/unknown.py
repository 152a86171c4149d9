# SPDX-License-Identifier: MIT
"""Pictures that show nothing which a network has a name for, as a camera may see it.

Bare walls, darkness, glare, blur, noise, patterns, text, drawn faces: generated, so that they are
the same everywhere. They calibrate the confidence below which a network says nothing.
"""

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "lazy", "dogs", "while", "rain", "falls"]


def _colour(random, low=0, high=256):
    return tuple(int(v) for v in random.integers(low, high, 3))


def _noisy(random, values, sigma):
    return np.clip(values + random.normal(0, sigma, values.shape), 0, 255).astype("u1")


def _light(random, size):
    """A soft slope of brightness, as light falls on a wall: (size, size, 1), around 1."""
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    a, b, c = random.normal(0, (0.35, 0.35, 0.3))
    return (1 + a * x + b * y - abs(c) * (x * x + y * y))[..., None]


def wall(random, size):
    colour = np.array(_colour(random, 70, 240), "f8")
    return _noisy(random, colour * _light(random, size), random.uniform(1, 6))


def corner(random, size):
    """Two walls and a floor, as soft as a camera's lens makes them."""
    walls, floor = (
        np.array(_colour(random, 120, 240), "f8"),
        np.array(_colour(random, 50, 170), "f8"),
    )
    picture = walls * _light(random, size)
    edge, bottom = random.integers(size // 4, 3 * size // 4, 2)
    picture[:, edge:] *= random.uniform(0.75, 0.97)
    picture[bottom:] = floor * _light(random, size)[bottom:]
    soft = Image.fromarray(np.clip(picture, 0, 255).astype("u1"))
    soft = soft.filter(ImageFilter.GaussianBlur(random.uniform(1, 3)))
    return _noisy(random, np.asarray(soft, "f8"), random.uniform(1, 6))


def dark(random, size):
    return _noisy(random, np.full((size, size, 3), random.uniform(0, 12)), random.uniform(1, 8))


def glare(random, size):
    y, x = np.mgrid[0:size, 0:size]
    centre = random.uniform(0, size, 2)
    distance = np.hypot(y - centre[0], x - centre[1])[..., None] / size
    colour = np.array(_colour(random, 120, 256), "f8")
    return _noisy(random, colour + 400 * np.exp(-((distance / random.uniform(0.1, 0.6)) ** 2)), 2)


def noise(random, size):
    """Noise as fine as a pixel or as coarse as a sixteenth of the picture."""
    cells = size >> random.integers(0, 5)
    picture = Image.fromarray(random.integers(0, 256, (cells, cells, 3), "u1"))
    return np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC))


def gradient(random, size):
    y, x = np.mgrid[0:size, 0:size] / size
    angle = random.uniform(0, 2 * np.pi)
    along = (x * np.cos(angle) + y * np.sin(angle))[..., None]
    a, b = (np.array(_colour(random), "f8") for _ in range(2))
    return _noisy(random, a + (b - a) * (along - along.min()) / np.ptp(along), 1)


def blur(random, size):
    """Blobs far out of focus."""
    picture = Image.new("RGB", (size, size), _colour(random))
    draw = ImageDraw.Draw(picture)
    for _ in range(random.integers(4, 15)):
        x, y, radius = random.integers(0, size), random.integers(0, size), random.integers(10, 70)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_colour(random))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(random.uniform(10, 25))))


def stripes(random, size):
    y, x = np.mgrid[0:size, 0:size]
    angle, period = random.uniform(0, np.pi), random.uniform(8, 60)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    if random.random() < 0.5:
        wave *= np.sin((y * np.cos(angle) - x * np.sin(angle)) * 2 * np.pi / period)
    a, b = (np.array(_colour(random), "f8") for _ in range(2))
    return _noisy(random, np.where(wave[..., None] > 0, a, b), 4)


def text(random, size):
    """Lines of words, large or small, perhaps askew."""
    picture = Image.new("RGB", (size, size), _colour(random, 200, 256))
    draw, height = ImageDraw.Draw(picture), int(random.integers(9, 40))
    font, ink = ImageFont.load_default(height), _colour(random, 0, 90)
    for y in range(int(random.integers(0, height)), size, int(height * 1.3)):
        draw.text((6, y), " ".join(random.choice(WORDS, 12)), ink, font)
    return np.asarray(picture.rotate(random.normal(0, 6), fillcolor=_colour(random, 120, 200)))


def face(random, size):
    """A drawn face, simple or with hair and skin."""
    picture = Image.new("RGB", (size, size), _colour(random, 100, 256))
    draw, (x, y) = ImageDraw.Draw(picture), random.integers(2 * size // 5, 3 * size // 5, 2)
    wide, high = random.integers(size // 5, size // 3), random.integers(size // 4, 2 * size // 5)
    if random.random() < 0.5:
        draw.ellipse(
            (x - wide, y - high - 14, x + wide, y + high // 2), fill=_colour(random, 0, 120)
        )
    skin = (int(random.integers(150, 256)), int(random.integers(110, 210)), 120)
    draw.ellipse((x - wide + 6, y - high, x + wide - 6, y + high), fill=skin)
    for eye in (x - wide // 3, x + wide // 3):
        draw.ellipse((eye - 8, y - 20, eye + 8, y - 10), fill=(255, 255, 255))
        draw.ellipse((eye - 3, y - 18, eye + 3, y - 12), fill=_colour(random, 0, 100))
    draw.arc((x - wide // 2, y, x + wide // 2, y + high // 2), 20, 160, _colour(random, 0, 160), 4)
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(random.uniform(0, 2))))


KINDS = (wall, corner, dark, glare, noise, gradient, blur, stripes, text, face)


def pictures(count, size, seed):
    """uint8 (count, size, size, 3), as many of each kind, in turn."""
    random = np.random.default_rng(seed)
    made = [np.asarray(KINDS[i % len(KINDS)](random, size)) for i in range(count)]
    return torch.from_numpy(np.stack(made))
