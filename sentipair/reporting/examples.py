"""Example posts for a report: which ones to show, and their pictures as small data URIs."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from PIL import Image

from sentipair.data.images import UnreadableImageError, open_image
from sentipair.reporting.run import Prediction, Predictions

THUMBNAIL_SIDE = 240
"""Pixels of a thumbnail's longer side."""

TEXT_LIMIT = 280
"""Characters shown of a post's text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One class in an example's bar chart."""

    name: str
    probability: float
    is_label: bool
    is_prediction: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A post as it is shown, with either a ``thumbnail`` (a data URI) or ``no_picture``, the reason."""

    post: Prediction
    text: str
    thumbnail: str | None
    no_picture: str | None
    bars: tuple[Bar, ...]


def most_confident_errors(predictions: Predictions, *, limit: int) -> list[Prediction]:
    """Posts with a wrong prediction, the most confident first."""
    return sorted((row for row in predictions.rows if row.is_wrong), key=_by_confidence)[:limit]


def most_confident_by_class(
    rows: Iterable[Prediction], classes: Sequence[str], *, limit: int
) -> list[Prediction]:
    """The surest prediction of each class in turn, then the second surest of each, and so on."""
    ranked = sorted(rows, key=_by_confidence)
    columns = [[row for row in ranked if row.prediction == name] for name in classes]
    return [row for row in chain.from_iterable(zip_longest(*columns)) if row is not None][:limit]


def show(post: Prediction, classes: Sequence[str]) -> Example:
    """``post`` with its thumbnail, shortened text and probability bars."""
    thumbnail, no_picture = _picture(post.image)
    text = post.text if len(post.text) <= TEXT_LIMIT else post.text[:TEXT_LIMIT].rstrip() + "…"
    bars = tuple(
        Bar(name=name, probability=p, is_label=name == post.label, is_prediction=name == post.prediction)
        for name, p in zip(classes, post.probabilities, strict=True)
    )
    return Example(post=post, text=text, thumbnail=thumbnail, no_picture=no_picture, bars=bars)


def thumbnail(image: Image.Image, *, side: int = THUMBNAIL_SIDE) -> str:
    """``image`` as a JPEG data URI whose longer side is at most ``side`` pixels."""
    small = image.copy()
    small.thumbnail((side, side))
    file = io.BytesIO()
    small.save(file, format="JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def _picture(path: str | None) -> tuple[str | None, str | None]:
    if not path:
        return None, "no picture"
    try:
        return thumbnail(open_image(Path(path))), None
    except UnreadableImageError as error:
        return None, f"cannot show the picture: {error}"


def _by_confidence(row: Prediction) -> tuple[float, str]:
    return -row.confidence, row.id
