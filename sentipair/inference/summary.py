"""What a scored table holds: counts, the surest posts of every class, and how classes change over days and groups."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentipair.data.rows import Row
from sentipair.inference.source import Chunk
from sentipair.inference.verdicts import Verdict

SHOWN = 3
"""Examples per class."""

EXCERPT = 90
"""Characters of an example's text."""

GROUPS = 1_000
"""Values of a group column that are told apart; whatever comes after them is counted as ``OTHERS``."""

OTHERS = "others"
NO_ANSWER = "no answer"
CONFLICT = "conflict"
BINS = 20
DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})\b")
"""Day, month and year as they are written where points stand between them."""

TWITTER = "%a %b %d %H:%M:%S %z %Y"


@dataclass(frozen=True, kw_only=True)
class Example:
    """A row that shows something; ``image`` is what the table calls the picture."""

    row: int
    label: str
    confidence: float
    text: str
    image: str
    text_alone: str | None
    image_alone: str | None


@dataclass(frozen=True, kw_only=True)
class ScoringReport:
    """What came of scoring a table.

    Attributes:
        rows: of the table.
        counts: class name → rows.
        abstained: rows that are scored but have no class.
        conflicts: rows in which text and picture disagree, see ``Prediction``.
        left_out: rows that could not be scored.
        without_picture: rows that name a picture and were scored by their text alone.
        truncated: rows of which the text was cut.
        examples: class name, or ``"conflict"`` → its surest rows.
    """

    rows: int
    counts: dict[str, int]
    abstained: int
    conflicts: int
    left_out: int
    without_picture: int
    truncated: int
    examples: dict[str, list[Example]]

    @property
    def has_problems(self) -> bool:
        """Whether there is a list of problems beside the output."""
        return self.left_out + self.without_picture > 0


class Tally:
    """Counts verdicts as they come; what it holds does not grow with the number of rows.

    Args:
        classes: class names.
        names: ``"text"`` and ``"image"`` → the column that holds it.
        date: a column with dates, if there is one.
        group: a column with groups, if there is one.

    Attributes:
        opinions: (text alone, picture alone) → rows.
        days: (day, class) → rows.
        groups: (group, class) → rows.
        undated: rows without a date that could be read.
        shares: confidence in ``BINS`` steps → rows.
    """

    def __init__(
        self,
        classes: Sequence[str],
        *,
        names: Mapping[str, str],
        date: str | None = None,
        group: str | None = None,
    ) -> None:
        self.classes = tuple(classes)
        self.names, self.date, self.group = names, date, group
        self.labels: Counter[str] = Counter()
        self.facts: Counter[str] = Counter()
        self.opinions: Counter[tuple[str, str]] = Counter()
        self.days: Counter[tuple[datetime.date, str]] = Counter()
        self.groups: Counter[tuple[str, str]] = Counter()
        self.shares: Counter[int] = Counter()
        self.undated = 0
        self._known_groups: set[str] = set()
        self._examples: dict[str, list[Example]] = {name: [] for name in (*classes, CONFLICT)}

    def add(self, chunk: Chunk, verdicts: Sequence[Verdict]) -> None:
        """Count the rows of a chunk."""
        for number, (row, verdict) in enumerate(zip(chunk.rows, verdicts, strict=True), start=chunk.first):
            self._add(number, row, verdict)

    def report(self) -> ScoringReport:
        """All that was counted."""
        facts = ("rows", "abstained", "conflicts", "left_out", "without_picture", "truncated")
        return ScoringReport(
            counts={name: self.labels[name] for name in self.classes},
            examples={name: found for name, found in self._examples.items() if found},
            **{name: self.facts[name] for name in facts},
        )

    def _add(self, number: int, row: Row, verdict: Verdict) -> None:
        self.facts["rows"] += 1
        if verdict.probabilities is None:
            self.facts["left_out"] += 1
            return
        self.facts["without_picture"] += verdict.problem is not None
        self.facts["truncated"] += verdict.truncated
        self.facts["conflicts"] += verdict.conflict
        self.facts["abstained"] += verdict.label is None
        label = verdict.label or NO_ANSWER
        self.labels[label] += 1
        self.shares[min(BINS - 1, int(max(verdict.probabilities) * BINS))] += 1
        if verdict.text_alone and verdict.image_alone:
            self.opinions[verdict.text_alone, verdict.image_alone] += 1
        if self.date:
            day = day_of(row[self.date])
            self.undated += day is None
            if day:
                self.days[day, label] += 1
        if self.group:
            self.groups[self._group_of(row[self.group]), label] += 1
        if verdict.label:
            self._show(number, row, verdict, verdict.label)

    def _group_of(self, value: Any) -> str:
        name = "–" if value is None or str(value).strip() == "" else str(value)
        if len(self._known_groups) < GROUPS:
            self._known_groups.add(name)
        return name if name in self._known_groups else OTHERS

    def _show(self, number: int, row: Row, verdict: Verdict, label: str) -> None:
        """Keep the row as an example if it is among the surest; of equal posts the surest alone."""
        assert verdict.probabilities is not None
        confidence = max(verdict.probabilities)
        for kind in (label, CONFLICT) if verdict.conflict else (label,):
            shown = self._examples[kind]
            if len(shown) == SHOWN and confidence <= shown[-1].confidence:
                continue
            text, image = (str(row.get(self.names.get(name, "")) or "") for name in ("text", "image"))
            example = Example(
                row=number,
                label=label,
                confidence=confidence,
                text=" ".join(text[: 4 * EXCERPT].split())[:EXCERPT],
                image=image,
                text_alone=verdict.text_alone,
                image_alone=verdict.image_alone,
            )
            surest: dict[tuple[str, str], Example] = {}
            for one in sorted([*shown, example], key=lambda one: (-one.confidence, one.row)):
                surest.setdefault((one.text, one.image), one)
            shown[:] = list(surest.values())[:SHOWN]


def day_of(value: Any) -> datetime.date | None:
    """The day that a cell names: a date, ISO 8601, 15.6.2024, or Twitter's ``created_at``; ``None`` for all else."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    text = str(value).strip()
    if dotted := DOTTED.match(text):
        text = "{2}-{1:0>2}-{0:0>2}".format(*dotted.groups())
    for read in (datetime.datetime.fromisoformat, lambda it: datetime.datetime.strptime(it, TWITTER)):
        try:
            return read(text).date()
        except ValueError:
            continue
    return None
