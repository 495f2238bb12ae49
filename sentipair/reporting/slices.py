"""The table of slices in a report: one row per part of the test set, for one seed or over several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sentipair.reporting.run import Json

GROUPS = {
    "labels": "Text label and picture label",
    "votes": "Annotators",
    "class": "True class",
    "words": "Words of the text",
    "picture": "Picture",
    "withheld": "Withheld from the model",
    "alone": "Alone, against its own label",
    "conflict": "Seen that text label and picture label",
}
"""What posts were chosen by, as the table says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A slice as it is shown; scores are None where there are none.

    Attributes:
        interval: of the accuracy; one seed only.
        dots: the accuracy of every seed; several seeds only.
    """

    name: str
    count: int
    accuracy: float | None
    weighted_f1: float | None
    macro_f1: float | None
    spread: float | None = None
    interval: tuple[float, float] | None = None
    dots: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """Rows under the headings they belong to, and the accuracy on all posts."""

    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    overall: float


def of_seed(split: Json) -> Slices | None:
    """The slices of one split of ``result.json``; None where they were not recorded."""
    scores = split.get("slices")
    if not scores:
        return None
    rows = [{key: value for key, value in score.items() if key != "by"} for score in scores]
    return _grouped(scores, [Row(**row) for row in rows], overall=split["metrics"]["accuracy"])


def of_seeds(summary: Json) -> Slices | None:
    """The slices of ``summary.json``: means over the seeds; None where they were not recorded."""
    scores = summary.get("slices")
    if not scores:
        return None
    return _grouped(
        scores, [_over_seeds(score) for score in scores], overall=summary["test"]["accuracy"]["mean"]
    )


def _over_seeds(score: Json) -> Row:
    means: dict[str, Any] = {
        name: score[name] and score[name]["mean"] for name in ("accuracy", "weighted_f1", "macro_f1")
    }
    accuracy = score["accuracy"] or {"sd": None, "values": ()}
    return Row(
        name=score["name"],
        count=score["count"],
        spread=accuracy["sd"],
        dots=tuple(accuracy["values"]),
        **means,
    )


def _grouped(scores: Sequence[Json], rows: Sequence[Row], *, overall: float) -> Slices:
    paired = groupby(zip(scores, rows, strict=True), key=lambda pair: str(pair[0]["by"]))
    groups = tuple((GROUPS[by], tuple(row for _, row in members)) for by, members in paired)
    return Slices(groups=groups, overall=overall)
