"""Class counts, the majority baseline, and whether a split's rows are sorted by label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sentipair.data.pair import Pair

SORTED_SHARE = 0.5
SORTED_FROM = 10.0
"""A split is label-sorted below this share of the expected runs, if at least so many runs are expected."""


@dataclass(frozen=True, kw_only=True)
class SplitBalance:
    """One split's labels.

    Attributes:
        counts: pairs per class.
        unlabelled: pairs without a label; they take no part in the figures below.
        majority: the most frequent class, None without labels.
        accuracy: of always answering the majority class, 0 to 1.
        weighted_f1: of the same answer; with share p it is 2p²/(1 + p).
        runs: stretches of neighbouring rows with one label.
        expected_runs: their mean number if the same rows were shuffled.
    """

    name: str
    size: int
    counts: dict[str, int]
    unlabelled: int
    majority: str | None
    accuracy: float
    weighted_f1: float
    runs: int
    expected_runs: float

    @property
    def label_sorted(self) -> bool:
        """Whether neighbours share labels far more often than by chance, so that batches are nearly pure."""
        return self.expected_runs >= SORTED_FROM and self.runs < SORTED_SHARE * self.expected_runs


def split_balance(name: str, pairs: Sequence[Pair], classes: Sequence[str]) -> SplitBalance:
    """Count one split's labels, in the order of its rows."""
    labels = [pair.label for pair in pairs if pair.label is not None]
    found = Counter(labels)
    counts = {label: found[label] for label in classes}
    majority = max(counts, key=lambda label: counts[label]) if labels else None
    share = counts[majority] / len(labels) if majority is not None else 0.0
    return SplitBalance(
        name=name,
        size=len(pairs),
        counts=counts,
        unlabelled=len(pairs) - len(labels),
        majority=majority,
        accuracy=share,
        weighted_f1=2 * share**2 / (1 + share),
        runs=sum(a != b for a, b in pairwise(labels)) + bool(labels),
        expected_runs=expected_runs(list(counts.values())),
    )


def expected_runs(counts: Sequence[int]) -> float:
    """Mean number of same-label runs over all orders of ``counts`` items per class: 1 + n − Σ n_c² / n."""
    total = sum(counts)
    return 1 + total - sum(count**2 for count in counts) / total if total else 0.0
