"""Opening other people's pictures: every mode, orientation and size ends as RGB or as one clear reason."""

from __future__ import annotations

import errno
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sentipair.files import sha256

OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What the system says where it has no more open files, or memory, to give."""

MAX_PIXELS = 100_000_000
"""Pictures with more pixels are not decoded (300 MB as RGB); JPEGs of up to 179 million (Pillow's own limit) are
reduced while decoding first."""

DRAFT_SIDE = 1024
"""By default larger JPEGs are decoded at 1/2, 1/4 or 1/8 scale, never below this many pixels on the shorter side."""


Picture = Path | bytes | Image.Image
"""A picture file, the content of one, or a picture that is open already."""


class UnreadableImageError(Exception):
    """A picture that cannot be used; the message says why, without the path."""


def open_image(source: Picture, *, side: int = DRAFT_SIDE) -> Image.Image:
    """A new picture in RGB; a JPEG file may be reduced, but not below ``side`` pixels on the shorter side.

    The first frame of an animation, upright by its EXIF orientation, CMYK and palettes converted, 16-bit
    greys scaled to 8 bits, transparency laid over white. A picture that is open already stays as it is.

    Raises:
        UnreadableImageError: no picture, truncated, no pixels, or more than ``MAX_PIXELS`` of them.
    """
    try:
        if isinstance(source, Image.Image):
            return _decode(source, keep=True)
        with _quiet():
            opened = Image.open(BytesIO(source) if isinstance(source, bytes) else source)
        with opened as image:
            image.draft("RGB", (side, side))
            return _decode(image, keep=False)
    except UnreadableImageError:
        raise
    except FileNotFoundError as error:
        raise UnreadableImageError("no such file") from error
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        reason = "too many pixels" if isinstance(error, Image.DecompressionBombError) else "not a picture"
        raise UnreadableImageError(reason) from error
    except Exception as error:  # PIL's plugins raise nearly anything on damaged files
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in OUT_OF_RESOURCES:
            raise  # the picture is not to blame
        raise UnreadableImageError(f"damaged ({type(error).__name__}: {error})") from error


def picture_key(source: Picture) -> str | None:
    """The SHA-256 of a picture file, or of the size and pixels of an open picture; ``None`` if it cannot be read."""
    try:
        if isinstance(source, Image.Image):
            image = open_image(source)
            return sha256("pixels", f"{image.width}×{image.height}", image.tobytes())
        return sha256(source if isinstance(source, bytes) else source.read_bytes())
    except (OSError, ValueError, UnreadableImageError):  # ValueError: a path that cannot be one
        return None


class Header(NamedTuple):
    """What a picture file says before it is decoded; ``quantisation`` is a JPEG's luminance table."""

    width: int
    height: int
    quantisation: Sequence[int] | None


def read_header(data: bytes, *, formats: tuple[str, ...] | None = None) -> Header:
    """The header of a picture that ``open_image`` could open; PIL's names of the ``formats`` that are tried, or all."""
    with _quiet():
        opened = Image.open(BytesIO(data), formats=formats)
    with opened as image:
        return Header(image.width, image.height, getattr(image, "quantization", {}).get(0))


def _decode(image: Image.Image, *, keep: bool) -> Image.Image:
    """The picture upright in RGB; unless it must be kept as it is, its own pixels where that is possible."""
    if not image.width * image.height:
        raise UnreadableImageError("no pixels")
    if image.width * image.height > MAX_PIXELS:
        raise UnreadableImageError(f"{image.width}×{image.height} pixels, the limit is {MAX_PIXELS:,}")
    image.load()
    with _quiet():
        image.getexif()  # kept by the picture, so that damaged EXIF is reported here
    if keep:
        image = ImageOps.exif_transpose(image)  # a copy
    else:
        ImageOps.exif_transpose(image, in_place=True)
    return _to_rgb(image)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        grey = np.nan_to_num(np.asarray(image, dtype=np.float64))
        white = 65535 if image.mode.startswith("I;16") or grey.max(initial=0) > 255 else 255
        image = Image.fromarray(np.clip(grey * (255 / white), 0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB")


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence PIL's warnings of large pictures and odd EXIF.

    Only one thread at a time may change Python's warning filters; hence the lock, and no decoding inside.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


_FILTERS = threading.Lock()
