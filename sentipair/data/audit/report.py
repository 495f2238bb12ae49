"""The audit's findings as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sentipair.data.audit.agreement import Agreement
from sentipair.data.audit.balance import SplitBalance
from sentipair.data.audit.repeats import Contamination, Duplicates


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    """Everything ``audit`` found; ``render`` makes rich tables of it, ``to_dict`` JSON.

    Attributes:
        agreement: split → how far its annotators agree; empty where posts have no votes.
        pictures: pairs whose picture could be read.
        missing: ids of pairs without a picture.
        unreadable: id → reason, for pictures that are there but cannot be read.
        plain: ids of pictures with hardly any contrast; only equal bytes make them duplicates.
        empty_texts: ids of pairs without text.
        duplicates: one entry per criterion, texts first, similar pictures last.
        contamination: split → its rows that are in the training split too; empty without a training split.
        problems: what the reader missed or left out.
    """

    name: str
    variant: str
    scheme: str
    text_steps: tuple[str, ...]
    classes: tuple[str, ...]
    pairs: int
    splits: tuple[SplitBalance, ...]
    agreement: Mapping[str, Agreement]
    pictures: int
    missing: tuple[str, ...]
    unreadable: Mapping[str, str]
    plain: tuple[str, ...]
    empty_texts: tuple[str, ...]
    duplicates: tuple[Duplicates, ...]
    contamination: Mapping[str, Contamination]
    problems: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON-able values; pairs of splits become ``"test with a twin in train"``."""
        values = asdict(self)
        for split, balance in zip(values["splits"], self.splits, strict=True):
            split["label_sorted"] = balance.label_sorted
        for found in values["duplicates"]:
            found["across"] = {f"{a} with a twin in {b}": count for (a, b), count in found["across"].items()}
        for name, spoiled in self.contamination.items():
            values["contamination"][name]["rows"] = spoiled.rows
        return values
