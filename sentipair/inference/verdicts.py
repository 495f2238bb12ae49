"""What comes of a row of a table: the values of the new columns, or why it could not be scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sentipair.data.pair import Pair
from sentipair.data.rows import Row
from sentipair.errors import UserError
from sentipair.files import NOT_FETCHED, below, is_address, is_file
from sentipair.inference.posts import NOTHING
from sentipair.inference.prediction import Prediction

DIGITS = 6
"""Decimals of a probability in a file."""

NAMES = {"text": ("text",), "image": ("image", "file_name")}
"""What a person may call the columns."""


class Verdict(NamedTuple):
    """What came of a row.

    Attributes:
        probabilities: in the order of the classes; ``None`` if the row is left out.
        label: the predicted class; ``None`` also where the model abstains.
        text_alone: what the text alone says, if there is one.
        image_alone: what the picture alone says.
        conflict: see ``Prediction``.
        problem: why the row is left out, or why its picture took no part.
        truncated: the text was cut.
    """

    probabilities: Sequence[float] | None = None
    label: str | None = None
    text_alone: str | None = None
    image_alone: str | None = None
    conflict: bool = False
    problem: str | None = None
    truncated: bool = False

    @property
    def values(self) -> tuple[Any, ...]:
        """The cells under ``new_columns``, of a row that is not left out."""
        assert self.probabilities is not None
        shares = (max(self.probabilities), *self.probabilities)
        return (self.label, *shares, self.text_alone, self.image_alone, self.conflict)


def new_columns(classes: Sequence[str]) -> tuple[str, ...]:
    """The columns that scoring adds; the web page gives the same."""
    shares = (f"p({name})" for name in classes)
    return ("prediction", "confidence", *shares, "text_alone", "image_alone", "conflict")


def known_columns(columns: Sequence[str], table: Path) -> dict[str, str]:
    """``"text"`` and ``"image"`` → the column that holds it, in any case.

    Raises:
        UserError: there is neither, or one twice.
    """
    found: dict[str, str] = {}
    for key, names in NAMES.items():
        held = [column for column in columns if column.strip().lower() in names]
        if len(held) > 1:
            raise UserError(f"{table.name} has more than one column {key}: {', '.join(held)}; keep one")
        if held:
            found[key] = held[0]
    if not found:
        raise UserError(f"{table.name} has neither a column image nor text (it has: {', '.join(columns)})")
    return found


def post_of(row: Row, *, names: Mapping[str, str], base: Path, number: int) -> tuple[Pair | None, str | None]:
    """The post of a row, ``None`` where there is nothing to score; and what is wrong with its picture or with it."""
    text, image = (_cell(row, names.get(key)) for key in ("text", "image"))
    path, problem = (below(base, image.strip()) if image.strip() else None), None
    if isinstance(kind := row.get(names.get("image", "")), bytes | dict | list):
        path, problem = None, f"the picture is not the name of a file but of type {type(kind).__name__}"
    elif is_address(image):
        path, problem = None, NOT_FETCHED.format(image.strip())
    if path is not None and not is_file(path):
        path, problem = None, f"there is no picture at {path}"
    if path is None and not text.strip():
        return None, problem or NOTHING
    return Pair(id=str(number), text=text, image=path), problem


def verdict(pair: Pair, problem: str | None, prediction: Prediction) -> Verdict:
    """What the model says of the post that ``post_of`` found."""
    if prediction.unusable:
        problem = f"picture cannot be used: {prediction.unusable}"
        if not pair.text.strip():
            return Verdict(problem=problem)
    return Verdict(
        probabilities=[round(share, DIGITS) for share in prediction.probabilities.values()],
        label=prediction.label,
        text_alone=prediction.text.label if prediction.text else None,
        image_alone=prediction.image.label if prediction.image else None,
        conflict=prediction.conflict,
        problem=problem,
        truncated=prediction.truncated is not None,
    )


def _cell(row: Row, name: str | None) -> str:
    value = row.get(name) if name else None
    return "" if value is None or value != value else str(value)  # NaN is not equal to itself
