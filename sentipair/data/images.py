"""Opening other people's pictures: every mode, orientation and size ends as RGB or as one clear reason."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 100_000_000
"""Pictures with more pixels are not decoded (300 MB as RGB); large JPEGs are reduced while decoding first."""

DRAFT_SIDE = 1024
"""Larger JPEGs are decoded at 1/2, 1/4 or 1/8 scale, never below this many pixels on the shorter side."""


class UnreadableImageError(Exception):
    """A picture that cannot be used; the message says why, without the path."""


def open_image(source: Path | bytes) -> Image.Image:
    """Decode a picture file to RGB.

    The first frame of an animation, upright by its EXIF orientation, CMYK and palettes converted, 16-bit
    greys scaled to 8 bits, transparency laid over white.

    Raises:
        UnreadableImageError: no picture, truncated, or more than ``MAX_PIXELS`` pixels.
    """
    try:
        with _quiet():
            opened = Image.open(BytesIO(source) if isinstance(source, bytes) else source)
        with opened as image:
            image.draft("RGB", (DRAFT_SIDE, DRAFT_SIDE))
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImageError(
                    f"{image.width}×{image.height} pixels, the limit is {MAX_PIXELS:,}"
                )
            image.load()
            with _quiet():
                image.getexif()  # kept by the picture, so that damaged EXIF is reported here
            return _to_rgb(ImageOps.exif_transpose(image))
    except UnreadableImageError:
        raise
    except FileNotFoundError as error:
        raise UnreadableImageError("no such file") from error
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        reason = "too many pixels" if isinstance(error, Image.DecompressionBombError) else "not a picture"
        raise UnreadableImageError(reason) from error
    except Exception as error:  # PIL's plugins raise nearly anything on damaged files
        raise UnreadableImageError(f"damaged ({type(error).__name__}: {error})") from error


class Header(NamedTuple):
    """What a picture file says before it is decoded; ``quantisation`` is a JPEG's luminance table."""

    width: int
    height: int
    quantisation: Sequence[int] | None


def read_header(data: bytes) -> Header:
    """The header of a picture that ``open_image`` could open."""
    with _quiet():
        opened = Image.open(BytesIO(data))
    with opened as image:
        return Header(image.width, image.height, getattr(image, "quantization", {}).get(0))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        grey = np.nan_to_num(np.asarray(image, dtype=np.float64))
        white = 65535 if image.mode.startswith("I;16") or grey.max(initial=0) > 255 else 255
        image = Image.fromarray(np.clip(grey * (255 / white), 0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence PIL's warnings of large pictures and odd EXIF.

    Only one thread at a time may change Python's warning filters; hence the lock, and no decoding inside.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


_FILTERS = threading.Lock()
