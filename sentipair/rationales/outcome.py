"""What came of asking for rationales: the usable ones as a table, the others as a list with reasons."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sentipair.data import PairDataset
from sentipair.files import write_text
from sentipair.progress import track
from sentipair.rationales.answers import AnswerStore
from sentipair.rationales.lexicon import lexicon_rationales, lexicon_verdict, polarities_of
from sentipair.rationales.prompts import VERDICT
from sentipair.rationales.questions import Inquiry, Key
from sentipair.rationales.tables import Rationales, write_rationales

USABLE = "usable"
SHOWN = 200
"""Characters of an answer without use that are listed."""


class Trouble(NamedTuple):
    """A question without a usable answer; ``kind`` is refusal, empty, malformed, failed or ``not asked``.

    Or with one that is used although it was ``cut``.
    """

    id: str
    polarity: str
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Rationales and verdicts of a data set.

    Attributes:
        asked: polarities, and ``VERDICT`` where it was asked for.
        rationales: id → what was asked → the usable answer.
        troubles: the questions that have none, and those whose answer was cut.
    """

    asked: tuple[str, ...]
    rationales: Rationales
    troubles: Sequence[Trouble] = ()

    @property
    def verdicts(self) -> dict[str, str | None]:
        """Id → class, ``None`` where there is no usable verdict; empty if none was asked for."""
        return {key: given.get(VERDICT) for key, given in self.rationales.items() if VERDICT in self.asked}

    def counts(self) -> dict[str, dict[str, int]]:
        """What was asked → how many answers are usable, refusals, empty …."""
        found = {name: Counter[str]() for name in self.asked}
        for given in self.rationales.values():
            for name in given:
                found[name][USABLE] += 1
        for trouble in self.troubles:
            found[trouble.polarity][trouble.kind] += 1
        return {name: dict(counter) for name, counter in found.items()}

    def write(self, folder: Path, name: str) -> dict[str, Path]:
        """Write ``NAME.parquet`` and, where there is trouble, ``NAME.troubles.csv``; gives their paths."""
        paths = {"table": Path(folder) / f"{name}.parquet"}
        write_rationales(paths["table"], self.rationales, self.asked)
        listed = Path(folder) / f"{name}.troubles.csv"
        if self.troubles:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([Trouble._fields, *self.troubles])
            write_text(listed, text.getvalue())
            paths["troubles"] = listed
        else:
            listed.unlink(missing_ok=True)  # of an earlier run
        return paths


def lexicon_outcome(dataset: PairDataset, *, verdicts: bool) -> Outcome:
    """The lexicon's rationales for every post; VADER's verdicts where the classes are sentiments."""
    polarities = polarities_of(dataset.classes)
    made = track(lexicon_rationales(dataset.pairs, polarities), "composing rationales", total=len(dataset))
    rationales = {pair.id: given for pair, given in zip(dataset, made, strict=True)}
    if not verdicts or set(polarities) != set(dataset.classes):
        return Outcome(asked=polarities, rationales=rationales)
    for pair in dataset:
        if (verdict := lexicon_verdict(pair.text)) in polarities:
            rationales[pair.id][VERDICT] = verdict
    return Outcome(asked=(*polarities, VERDICT), rationales=rationales)


def answered_outcome(
    inquiries: Sequence[Inquiry], asked: Sequence[str], *, store: AnswerStore, failed: Mapping[Key, str]
) -> Outcome:
    """What the store holds for the questions, and why the others have no answer.

    Args:
        inquiries: all questions about all posts.
        asked: what was asked for.
        store: the model's answers.
        failed: question → why it got no answer in this run.
    """
    rationales: dict[str, dict[str, str]] = {}
    troubles: list[Trouble] = []
    for inquiry in inquiries:
        given = rationales.setdefault(inquiry.pair.id, {})
        for question in inquiry.questions:
            key, answer = question.key, store.get(question.key)
            if answer is not None and answer.problem is None:
                given[key.polarity] = answer.text
                if answer.cut:
                    troubles.append(Trouble(inquiry.pair.id, key.polarity, "cut", answer.text[-SHOWN:]))
            elif answer is not None:
                said = answer.text[:SHOWN]
                troubles.append(Trouble(inquiry.pair.id, key.polarity, answer.problem or "", said))
            else:
                kind = "failed" if key in failed else "not asked"
                troubles.append(Trouble(inquiry.pair.id, key.polarity, kind, failed.get(key, "")))
    return Outcome(asked=tuple(asked), rationales=rationales, troubles=troubles)
