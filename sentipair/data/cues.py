"""What of a post should not matter: its blanks, length and marks, and the format of its picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageStat

from sentipair.data.images import read_header

_EMOJI_RANGE = "\u2600-\u27bf\U0001f300-\U0001faff"
_EMOJI = re.compile(rf"[{_EMOJI_RANGE}]|\bemoji[_ ]\d")
_PUNCTUATION = re.compile(rf"[^\w\s#@{_EMOJI_RANGE}]")
_INNER_BLANKS = re.compile(r"\S\s{2,}\S")
_DIGIT = re.compile(r"\d")

# fmt: off
_LUMINANCE = np.array([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
])  # table K.1 of the JPEG standard (ITU-T T.81)
# fmt: on
_QUALITIES = np.arange(1, 101)
_SCALES = np.where(_QUALITIES < 50, 5000 // _QUALITIES, 200 - 2 * _QUALITIES)
_TABLE_SUMS = np.clip((_LUMINANCE * _SCALES[:, None] + 50) // 100, 1, 255).sum(axis=1)  # (100,), as libjpeg


class Surface(NamedTuple):
    """A picture as a file, not as an image: sizes in pixels and bytes, mean colour from 0 to 255."""

    width: float
    height: float
    aspect: float
    jpeg_quality: float
    bytes: float
    red: float
    green: float
    blue: float


def surface(data: bytes, image: Image.Image) -> Surface:
    """The surface of a picture file ``data`` that was decoded to the RGB ``image``."""
    header = read_header(data)
    return Surface(
        header.width,
        header.height,
        header.width / header.height,
        jpeg_quality(header.quantisation),
        len(data),
        *ImageStat.Stat(image).mean,
    )


def jpeg_quality(quantisation: Sequence[int] | None) -> int:
    """libjpeg's setting, 1 to 100, whose luminance table is nearest in sum; 100 without a table."""
    if quantisation is None:
        return 100
    return int(_QUALITIES[np.abs(_TABLE_SUMS - sum(quantisation)).argmin()])


def blanks(text: str) -> tuple[float, ...]:
    """Whether there are several blanks in a row inside, blanks before, blanks behind."""
    return bool(_INNER_BLANKS.search(text)), text[:1].isspace(), text[-1:].isspace()


def length(text: str) -> tuple[float, ...]:
    """Characters and words."""
    return len(text), len(text.split())


def marks(text: str) -> tuple[float, ...]:
    """Counts of ``#``, ``@``, digits, emoji and punctuation, and the share of capitals among the letters."""
    letters = sum(map(str.isalpha, text))
    capitals = sum(map(str.isupper, text)) / letters if letters else 0.0
    found = (len(kind.findall(text)) for kind in (_DIGIT, _EMOJI, _PUNCTUATION))
    return text.count("#"), text.count("@"), *found, capitals


TEXT_CUES: Mapping[str, Callable[[str], tuple[float, ...]]] = {
    "blanks": blanks,
    "length": length,
    "marks": marks,
}
"""The families of cues in a text."""
