"""Other people's ways to give a post: paths, bytes, open pictures, arrays, rows of tables."""

from __future__ import annotations

import os
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
from sentipair.files import NOT_FETCHED, is_address, is_file
from sentipair.inference.prediction import Prediction

ImageLike = str | os.PathLike[str] | bytes | Image.Image | ArrayLike
"""A picture file, its content, an open picture, or pixels [H, W] or [H, W, 1, 3 or 4]: bytes, or fractions of 1."""

CHANNELS = (1, 3, 4)
COLUMNS = ("image", "text")

NOTHING = "neither a text nor a picture"
"""Why there is nothing to score."""


@runtime_checkable
class DataFrame(Protocol):
    """What is asked of a data frame; pandas itself is not needed."""

    columns: Any

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        """With ``"records"``, a dictionary per row."""
        ...


class Given(NamedTuple):
    """A post as it is scored, and what of it cannot be used."""

    pair: Pair
    problem: str | None = None

    def explained(self) -> Given:
        """With a reason where neither a text nor a picture was given."""
        nothing = self.problem is None and has_nothing(self.pair)
        return self._replace(problem=NOTHING) if nothing else self


def as_post(value: Pair | Mapping[str, Any], *, name: str) -> Given:
    """A post from a ``Pair``, or from a row with ``image`` and ``text``; what of it cannot be used is left out."""
    if isinstance(value, Pair):
        return Given(replace(value, text=whole_characters(value.text))).explained()
    if not isinstance(value, Mapping) or not any(column in value for column in COLUMNS):
        return Given(Pair(id=name), f'not a Pair, and has neither "image" nor "text": {value!r:.80}')
    try:
        pair = make_pair(image=None, text=value.get("text"), name=name)
    except UserError as error:
        return Given(Pair(id=name), str(error))
    try:
        return Given(make_pair(image=value.get("image"), text=pair.text, name=name)).explained()
    except UserError as error:
        return Given(pair, str(error))


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
        path = str(image).strip()
        if is_address(path):
            raise UserError(NOT_FETCHED.format(path))
        return Pair(id=name, text=text, image=Path(path) if path else None)
    if isinstance(image, bytes | bytearray | memoryview):
        return Post(id=name, text=text, opened=bytes(image))
    return Post(id=name, text=text, opened=image if isinstance(image, Image.Image) else from_array(image))


def has_nothing(pair: Pair) -> bool:
    """Whether a post has neither a text nor a picture."""
    return pair.picture is None and not pair.text.strip()


def with_problems(predictions: Sequence[Prediction], problems: Sequence[str | None]) -> list[Prediction]:
    """The predictions, each with what ``Given`` says cannot be used."""
    return [
        prediction if problem is None else replace(prediction, unusable=problem)
        for prediction, problem in zip(predictions, problems, strict=True)
    ]


def require_content(post: Given) -> None:
    """Check that a single post can be asked about.

    Raises:
        UserError: neither a picture nor a text, or none that can be used; or the file does not exist.
    """
    pair, problem = post
    if has_nothing(pair):
        raise UserError(_without_text("given", problem) if problem else "give a picture, a text, or both")
    if isinstance(pair.picture, Path) and not is_file(pair.picture):
        raise UserError(f"there is no picture at {pair.picture}")


def require_usable(pair: Pair, prediction: Prediction) -> None:
    """Check that the prediction of a single post says something.

    Raises:
        UserError: there is no text, and the picture could not be used.
    """
    if prediction.unusable and not pair.text.strip():
        raise UserError(_without_text(str(pair.image or "given"), prediction.unusable))


def _without_text(picture: str, problem: str) -> str:
    return f"the picture {picture} cannot be used ({problem}) and there is no text"


def from_array(pixels: ArrayLike) -> Image.Image:
    """A picture from pixels [H, W] or [H, W, 1, 3 or 4], as bytes or as fractions of 1.

    Raises:
        UserError: another shape or type.
    """
    try:
        array = np.asarray(pixels)
    except ValueError as error:
        raise UserError("cannot use pixels whose rows differ in length") from error
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
