"""What a model looked at, for a report: posts with shaded words and with boxes on the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentipair.data.images import UnreadableImageError, open_image
from sentipair.reporting.examples import thumbnail
from sentipair.reporting.run import Json, Prediction, Predictions, SeedRun
from sentipair.runs import read_json

SIDE = 480
"""Pixels of a picture's longer side."""

NAMED = 3
"""Areas that are numbered on the picture and listed with their weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A piece of the text; ``shade`` is where its weight lies between the post's smallest, 0, and largest, 1.

    ``None`` between tokens.
    """

    text: str
    shade: float | None
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A cell or region: left, top, width and height in per cent of the picture; ``number`` where it is listed."""

    box: tuple[float, ...]
    shade: float
    weight: float
    number: int | None
    gate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attended:
    """A post as it is shown; ``others`` are weights that have no place in it, by name."""

    post: Prediction
    picture: str | None
    words: tuple[Word, ...]
    areas: tuple[Area, ...]
    others: Mapping[str, Sequence[float]]

    @property
    def listed(self) -> list[Area]:
        """The numbered areas, in their order."""
        return sorted((area for area in self.areas if area.number), key=lambda area: area.number or 0)


def attention(run: SeedRun, predictions: Predictions) -> list[Attended]:
    """The posts of ``attention-test.json``; empty for a run without one."""
    by_id = {row.id: row for row in predictions.rows}
    posts = read_json(run.folder / "attention-test.json").get("posts", ())
    return [_attended(by_id[entry["id"]], entry) for entry in posts if entry["id"] in by_id]


def shade_words(text: str, rows: Sequence[tuple[int, int, float]]) -> tuple[Word, ...]:
    """``text`` cut at the places of its tokens, rows of first character, last + 1 and weight.

    What stands behind the last token was not read and is left out.
    """
    shades = stretch([weight for *_, weight in rows])
    words, position = [], 0
    for (start, end, weight), shade in zip(rows, shades, strict=True):
        if start > position:
            words.append(Word(text=text[position:start], shade=None, weight=0.0))
        if end > start >= position:  # a character may make several tokens; the first stands for it
            words.append(Word(text=text[start:end], shade=shade, weight=weight))
        position = max(position, end)
    if text[position:].strip():
        words.append(Word(text=" …", shade=None, weight=0.0))
    return tuple(words)


def outline(
    rows: Sequence[tuple[float, float, float, float, float]], gates: Sequence[float]
) -> tuple[Area, ...]:
    """Areas from rows of corners (relative to the picture) and weight; the ``NAMED`` heaviest have a number."""
    weights = [row[4] for row in rows]
    shades = stretch(weights)
    ranked = sorted(range(len(rows)), key=lambda i: (-weights[i], i))
    return tuple(
        Area(
            box=tuple(100 * value for value in (x0, y0, x1 - x0, y1 - y0)),
            shade=shades[i],
            weight=weight,
            number=ranked.index(i) + 1 if ranked.index(i) < NAMED else None,
            gate=gates[i] if i < len(gates) else None,
        )
        for i, (x0, y0, x1, y1, weight) in enumerate(rows)
    )


def stretch(weights: Sequence[float]) -> list[float]:
    """The weights on a scale from the smallest, 0, to the largest, 1; all 1 where they are equal."""
    least, most = min(weights, default=0.0), max(weights, default=0.0)
    return [(weight - least) / (most - least) if most > least else 1.0 for weight in weights]


def _attended(post: Prediction, entry: Json) -> Attended:
    others = dict(entry["weights"])
    areas = outline(entry.get("regions") or entry.get("cells") or (), others.pop("gates", ()))
    words = shade_words(post.text, entry.get("words", ()))
    return Attended(post=post, picture=_picture(post.image), words=words, areas=areas, others=others)


def _picture(path: str | None) -> str | None:
    try:
        return thumbnail(open_image(Path(path)), side=SIDE) if path else None
    except UnreadableImageError:
        return None
