"""Other people's ways to give a post: paths, bytes, open pictures, arrays, rows of tables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from sentipair.data.pair import Pair, Post
from sentipair.data.text import whole_characters
from sentipair.errors import UserError
from sentipair.inference.prediction import Prediction

ImageLike = str | os.PathLike[str] | bytes | Image.Image | ArrayLike
"""A picture file, its content, an open picture, or pixels [H, W] or [H, W, 1, 3 or 4]: bytes, or fractions of 1."""

CHANNELS = (1, 3, 4)
COLUMNS = ("image", "text")
_ADDRESS = re.compile(r"\s*[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@runtime_checkable
class DataFrame(Protocol):
    """What is asked of a data frame; pandas itself is not needed."""

    columns: Any

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        """With ``"records"``, a dictionary per row."""
        ...


NOT_FETCHED = "{} is an address, which is not fetched; download the picture"
"""Why the picture takes no part, with its address."""

NOTHING = "neither a text nor a picture"
"""Why there is nothing to score."""


class Given(NamedTuple):
    """A post as it is scored, and what of it cannot be used."""

    pair: Pair
    problem: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to score, and nothing was."""
        return self.pair.picture is None and not self.pair.text.strip() and self.problem is None


def as_post(value: Pair | Mapping[str, Any], *, name: str) -> Given:
    """A post from a ``Pair``, or from a row with ``image`` and ``text``; of what is neither, an empty post is left."""
    if isinstance(value, Pair):
        return one_of_many(Given(value))
    if not isinstance(value, Mapping) or not any(column in value for column in COLUMNS):
        return Given(Pair(id=name), f'not a Pair, and has neither "image" nor "text": {value!r:.80}')
    try:
        return one_of_many(Given(make_pair(image=value.get("image"), text=value.get("text"), name=name)))
    except UserError as error:
        return Given(Pair(id=name), str(error))


def one_of_many(post: Given) -> Given:
    """One of many posts: that it is empty is a problem, too."""
    return post._replace(problem=NOTHING) if post.is_empty else post


def make_pair(*, image: ImageLike | None, text: str | None, name: str) -> Pair:
    """A post with the id ``name``; cells that hold nothing are left out.

    Whether the picture can be used shows when it is opened.

    Raises:
        UserError: the text is not a string, or the picture an address or none of ``ImageLike``.
    """
    text = "" if _is_nothing(text) else text
    if not isinstance(text, str):
        raise UserError(f"the text is not a string: {text!r:.80}")
    text = whole_characters(text)
    if image is None or _is_nothing(image):
        return Pair(id=name, text=text)
    if isinstance(image, str | os.PathLike):
        if is_address(str(image)):
            raise UserError(NOT_FETCHED.format(image))
        return Pair(id=name, text=text, image=Path(image) if str(image).strip() else None)
    if isinstance(image, bytes | bytearray | memoryview):
        return Post(id=name, text=text, opened=bytes(image))
    return Post(id=name, text=text, opened=image if isinstance(image, Image.Image) else from_array(image))


def is_address(picture: str) -> bool:
    """Whether a picture is named by an address on the web, not by a file."""
    return bool(_ADDRESS.match(picture))


def with_problems(predictions: Sequence[Prediction], problems: Sequence[str | None]) -> list[Prediction]:
    """The predictions, each with what ``Given`` says cannot be used."""
    return [
        prediction if problem is None else replace(prediction, unusable=problem)
        for prediction, problem in zip(predictions, problems, strict=True)
    ]


def require_content(post: Given) -> None:
    """Check that a single post can be asked about.

    Raises:
        UserError: neither a picture nor a text, or the file does not exist.
    """
    if post.is_empty:
        raise UserError("give a picture, a text, or both")
    pair = post.pair
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
