"""A few numbers that say how a picture looks, and the words for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from PIL import Image

from sentipair.data.images import Picture, UnreadableImageError, open_image

SIDE = 32
"""Pictures are reduced to this square: colours at large, no details."""

LUMA = (0.299, 0.587, 0.114)


class Look(NamedTuple):
    """How a picture looks.

    Attributes:
        brightness: mean luma, 0 to 1.
        contrast: standard deviation of the luma, 0 to 0.5.
        saturation: mean saturation of the HSV colours, 0 to 1.
        warmth: mean of red less blue, −1 to 1.
    """

    brightness: float
    contrast: float
    saturation: float
    warmth: float


class Trait(NamedTuple):
    """A word for a look, and the polarities that it speaks for."""

    words: str
    speaks_for: tuple[str, ...]


SCALES: Sequence[tuple[float, float, Trait, Trait, Trait]] = (
    (
        0.39,
        0.53,
        Trait("dark", ("negative",)),
        Trait("of middling brightness", ("neutral",)),
        Trait("bright", ("positive",)),
    ),
    (
        0.19,
        0.24,
        Trait("soft in contrast", ("neutral",)),
        Trait("of middling contrast", ()),
        Trait("hard in contrast", ("positive", "negative")),
    ),
    (
        0.20,
        0.33,
        Trait("pale in its colours", ("negative", "neutral")),
        Trait("of moderate colours", ("neutral",)),
        Trait("vivid in its colours", ("positive",)),
    ),
    (
        0.01,
        0.09,
        Trait("cool in tone", ("negative",)),
        Trait("neither warm nor cool in tone", ("neutral",)),
        Trait("warm in tone", ("positive",)),
    ),
)
"""Per number of a ``Look``: where low ends and high begins, and the trait of low, middling and high.

The bounds are about the thirds of MVSA-Single's pictures, found without their labels. That brightness and saturation
please is from Valdez and Mehrabian, "Effects of color on emotions", 1994, https://doi.org/10.1037/0096-3445.123.4.394;
the rest is convention.
"""


def look_at(picture: Picture) -> Look:
    """Measure a picture.

    Raises:
        UnreadableImageError: it cannot be used.
    """
    small = open_image(picture, side=2 * SIDE).resize((SIDE, SIDE), Image.Resampling.BOX)
    colours = np.asarray(small, dtype=np.float64) / 255  # (SIDE, SIDE, 3)
    luma = colours @ LUMA
    highest, lowest = colours.max(axis=-1), colours.min(axis=-1)
    saturation = (highest - lowest) / np.maximum(highest, 1 / 255)
    warmth = colours[..., 0] - colours[..., 2]
    return Look(float(luma.mean()), float(luma.std()), float(saturation.mean()), float(warmth.mean()))


def look_at_all(pictures: Sequence[Picture | None]) -> Iterator[Look | None]:
    """Measure one picture after the other, in parallel; ``None`` where there is none or it cannot be used."""

    def look(picture: Picture | None) -> Look | None:
        try:
            return None if picture is None else look_at(picture)
        except UnreadableImageError:
            return None

    with ThreadPoolExecutor() as pool:
        yield from pool.map(look, pictures)


def traits(look: Look) -> list[Trait]:
    """The four traits of a picture."""
    return [
        low if value < low_end else high if value > high_start else middling
        for value, (low_end, high_start, low, middling, high) in zip(look, SCALES, strict=True)
    ]
