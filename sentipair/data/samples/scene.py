"""One sample picture: a backdrop in some mood, clutter, a motif, and a little noise."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from sentipair.data.samples.brush import Brush, Colour, arc, mix
from sentipair.data.samples.motifs import MOTIFS, pick

SIDE = 224
"""Width and height of a picture in pixels."""

OVERSAMPLING = 2
"""Pictures are drawn this many times larger and reduced, which smooths the edges."""

MOODS: dict[str, tuple[tuple[Colour, Colour], ...]] = {
    "positive": (
        ((255, 236, 190), (255, 190, 150)),
        ((190, 228, 250), (240, 248, 230)),
        ((255, 214, 214), (255, 242, 206)),
    ),
    "neutral": (
        ((226, 226, 220), (200, 206, 208)),
        ((206, 220, 214), (232, 232, 224)),
        ((222, 210, 196), (238, 230, 218)),
    ),
    "negative": (
        ((108, 118, 146), (70, 76, 104)),
        ((138, 128, 136), (92, 92, 108)),
        ((96, 116, 122), (140, 150, 156)),
    ),
}
"""Backdrop gradients, top to bottom."""

MOOD_FIDELITY = 0.6
"""Share of pictures whose backdrop has the mood of the image label; the others take any mood."""


def draw_picture(image_label: str, rng: np.random.Generator) -> Image.Image:
    """A picture that shows ``image_label``, RGB, ``SIDE``×``SIDE``; everything else is up to ``rng``."""
    side = SIDE * OVERSAMPLING
    mood = image_label if rng.random() < MOOD_FIDELITY else list(MOODS)[rng.integers(len(MOODS))]
    top, bottom = MOODS[mood][rng.integers(len(MOODS[mood]))]
    picture = _gradient(mix(top, _any_colour(rng), 0.2), mix(bottom, _any_colour(rng), 0.2), side)
    canvas = ImageDraw.Draw(picture)
    _landscape(canvas, bottom, side, rng)
    _clutter(canvas, mix(top, bottom, 0.5), side, rng)
    motifs = MOTIFS[image_label]
    scale = side * rng.uniform(0.24, 0.4)
    low, high = scale * 1.05, side - scale * 1.05
    centre = (rng.uniform(low, high), rng.uniform(low, high))
    brush = Brush(canvas=canvas, centre=centre, scale=scale, tilt=rng.uniform(-0.22, 0.22))
    motifs[rng.integers(len(motifs))](brush, rng)
    return _noisy(picture.reduce(OVERSAMPLING), rng)


def _gradient(top: Colour, bottom: Colour, side: int) -> Image.Image:
    column = np.linspace(top, bottom, side).round().astype(np.uint8)  # (side, 3)
    return Image.fromarray(np.repeat(column[:, None], side, axis=1))


def _landscape(canvas: ImageDraw.ImageDraw, ground: Colour, side: int, rng: np.random.Generator) -> None:
    """Soft hills or a table edge along the bottom."""
    colour = mix(ground, _any_colour(rng), 0.35)
    if rng.random() < 0.5:
        canvas.rectangle((0, side * rng.uniform(0.62, 0.88), side, side), fill=colour)
        return
    for depth in (0.0, 0.2):
        x = np.linspace(0, side, 40)
        wave = np.sin(x / side * rng.uniform(3, 9) + rng.uniform(0, 6)) * side * rng.uniform(0.02, 0.07)
        y = side * rng.uniform(0.66, 0.84) + wave + depth * side * 0.4
        canvas.polygon([*zip(x.tolist(), y.tolist(), strict=True), (side, side), (0, side)], fill=colour)
        colour = mix(colour, (60, 60, 70), 0.12)


def _clutter(canvas: ImageDraw.ImageDraw, backdrop: Colour, side: int, rng: np.random.Generator) -> None:
    """Discs, rings, triangles and strokes that mean nothing."""
    for _ in range(rng.integers(4, 11)):
        brush = Brush(
            canvas=canvas,
            centre=(rng.uniform(0, side), rng.uniform(0, side)),
            scale=side * rng.uniform(0.02, 0.09),
            tilt=rng.uniform(0, math.tau),
        )
        colour = mix(backdrop, _any_colour(rng), rng.uniform(0.2, 0.6))
        shape = rng.integers(4)
        if shape == 0:
            brush.disc(0, 0, 1, colour)
        elif shape == 1:
            brush.line(arc(0, 0, 1, 1, 0, 360), 0.3, colour)
        elif shape == 2:
            brush.polygon([(-1, 0.8), (1, 0.8), (0, -1)], colour)
        else:
            brush.bar((-1, 0), (1, 0), 0.5, colour)


def _any_colour(rng: np.random.Generator) -> Colour:
    return pick(rng, ((240, 150, 110), (120, 180, 220), (150, 200, 140), (230, 200, 110), (190, 140, 200)))


def _noisy(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Camera-like noise and a random exposure."""
    pixels = np.asarray(picture, dtype=np.float32) * np.float32(rng.uniform(0.92, 1.08))
    pixels += rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(rng.uniform(1, 6))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
