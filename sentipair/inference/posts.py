"""Other people's ways to give a post: paths, bytes, open pictures, arrays, rows of tables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from sentipair.data.pair import Pair, Post
from sentipair.errors import UserError
from sentipair.inference.prediction import Prediction

ImageLike = str | os.PathLike[str] | bytes | Image.Image | ArrayLike
"""A picture file, its content, an open picture, or pixels [H, W] or [H, W, 1, 3 or 4]: bytes, or fractions of 1."""

CHANNELS = (1, 3, 4)
COLUMNS = ("image", "text")


@runtime_checkable
class DataFrame(Protocol):
    """What is asked of a data frame; pandas itself is not needed."""

    columns: Any

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        """With ``"records"``, a dictionary per row."""
        ...


def as_pair(value: Pair | Mapping[str, Any], *, number: int) -> Pair:
    """A post from a ``Pair``, or from a row with ``image`` and ``text``; cells that hold nothing are left out.

    Args:
        value: the post.
        number: its place, which becomes its id.

    Raises:
        UserError: something else, or a picture or text of a wrong kind.
    """
    if isinstance(value, Pair):
        return value
    if not isinstance(value, Mapping) or not any(name in value for name in COLUMNS):
        raise UserError(f'post {number} is not a Pair and has neither "image" nor "text": {value!r:.80}')
    image, text = (None if _is_nothing(value.get(name)) else value[name] for name in COLUMNS)
    return make_pair(image=image, text="" if text is None else text, name=str(number))


def make_pair(*, image: ImageLike | None, text: str, name: str) -> Pair:
    """A post with the id ``name``. Whether the picture can be used shows when it is opened.

    Raises:
        UserError: the text is not a string, or the picture none of ``ImageLike``.
    """
    if not isinstance(text, str):
        raise UserError(f"the text of post {name} is not a string: {text!r:.80}")
    if image is None:
        return Pair(id=name, text=text)
    if isinstance(image, str | os.PathLike):
        return Pair(id=name, text=text, image=Path(image) if str(image).strip() else None)
    if isinstance(image, bytes | bytearray | memoryview):
        return Post(id=name, text=text, opened=bytes(image))
    return Post(id=name, text=text, opened=image if isinstance(image, Image.Image) else from_array(image))


def require_content(pair: Pair) -> None:
    """Check that a single post can be asked about.

    Raises:
        UserError: neither a picture nor a text, or the file does not exist.
    """
    if pair.picture is None and not pair.text.strip():
        raise UserError("give a picture, a text, or both")
    if isinstance(pair.picture, Path) and not pair.picture.is_file():
        raise UserError(f"there is no picture at {pair.picture}")


def require_usable(pair: Pair, prediction: Prediction) -> None:
    """Check that the prediction of a single post says something.

    Raises:
        UserError: there is no text, and the picture could not be used.
    """
    if prediction.unusable and not pair.text.strip():
        name = pair.image or "given"
        raise UserError(f"the picture {name} cannot be used ({prediction.unusable}) and there is no text")


def from_array(pixels: ArrayLike) -> Image.Image:
    """A picture from pixels [H, W] or [H, W, 1, 3 or 4], as bytes or as fractions of 1.

    Raises:
        UserError: another shape or type.
    """
    array = np.asarray(pixels)
    if np.issubdtype(array.dtype, np.floating) and np.nanmax(np.abs(array), initial=0) <= 1:
        array = (np.nan_to_num(array).clip(0) * 255).round().astype(np.uint8)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    right_shape = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in CHANNELS)
    if array.dtype != np.uint8 or not right_shape or not array.size:
        raise UserError(
            f"cannot use pixels of shape {array.shape} and type {array.dtype}; give [height, width] or "
            "[height, width, 3 or 4] as bytes (uint8) or as fractions of 1"
        )
    return Image.fromarray(array)


def _is_nothing(value: Any) -> bool:
    """An empty cell: ``None``, NaN, or pandas' NA."""
    return value is None or (isinstance(value, float) and value != value) or type(value).__name__ == "NAType"
