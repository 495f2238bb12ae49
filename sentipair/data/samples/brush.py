"""A brush that draws in the motif's own coordinates, wherever and however large and tilted it stands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]] | NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Brush:
    """Draws on ``canvas``; a motif fills about −1 … 1 in x (right) and y (down).

    Attributes:
        centre: the motif's origin in pixels.
        scale: pixels per unit.
        tilt: rotation about the origin in radians, clockwise.
    """

    canvas: ImageDraw.ImageDraw
    centre: tuple[float, float]
    scale: float
    tilt: float = 0.0

    def polygon(self, points: Points, colour: Colour) -> None:
        """Fill a closed outline, ``[N, 2]``."""
        self.canvas.polygon(self._pixels(points), fill=colour)

    def line(self, points: Points, width: float, colour: Colour) -> None:
        """A stroke through ``points`` with round joints and ends."""
        pixels = self._pixels(points)
        radius = max(1.0, width * self.scale / 2)
        self.canvas.line(pixels, fill=colour, width=round(2 * radius), joint="curve")
        for x, y in (pixels[0], pixels[-1]):
            self.canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """A filled ellipse around (x, y)."""
        self.polygon(arc(x, y, rx, ry, 0, 360), colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A filled circle around (x, y)."""
        self.oval(x, y, radius, radius, colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """A filled rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def bar(self, start: tuple[float, float], end: tuple[float, float], width: float, colour: Colour) -> None:
        """A straight stroke with round ends."""
        self.line([start, end], width, colour)

    def _pixels(self, points: Points) -> list[tuple[float, float]]:
        cos, sin = math.cos(self.tilt) * self.scale, math.sin(self.tilt) * self.scale
        turned = np.asarray(points, dtype=np.float64) @ np.array([[cos, sin], [-sin, cos]])
        return [(x, y) for x, y in (turned + self.centre).tolist()]


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> NDArray[np.float64]:
    """Points along an ellipse, ``[N, 2]``, from ``start`` to ``end`` degrees; 0 is right, 90 is down."""
    steps = max(8, int(abs(end - start) / 8))
    angles = np.radians(np.linspace(start, end, steps))
    return np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], axis=1)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """The colour ``share`` of the way from ``a`` to ``b``."""
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return red, green, blue
