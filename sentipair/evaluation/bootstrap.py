"""How sure is a number: bootstrap intervals over test rows, and the spread over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sentipair.evaluation.metrics import STATISTICS, Floats, Statistic

CELLS_AT_ONCE = 4_000_000
"""Counts drawn at a time; bounds the memory of a bootstrap to about 50 MB."""


class Interval(NamedTuple):
    """Both ends of a confidence interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A metric over seeds; ``sd`` (with n − 1) and the t ``interval`` of the mean need at least two seeds."""

    mean: float
    sd: float | None
    interval: Interval | None


def summarise(values: Sequence[float], *, level: float = 0.95) -> Summary:
    """Mean, standard deviation and Student's t-interval of ``values``, one per seed."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Summary(mean=mean, sd=None, interval=None)
    sd = float(np.std(values, ddof=1))
    reach = float(stats.t.ppf((1 + level) / 2, len(values) - 1)) * sd / len(values) ** 0.5
    return Summary(mean=mean, sd=sd, interval=Interval(mean - reach, mean + reach))


def bootstrap_interval(
    targets: NDArray[np.integer[Any]],
    predictions: NDArray[np.integer[Any]],
    *,
    num_classes: int,
    statistic: Statistic,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Percentile interval of ``statistic`` when the test rows [N] are drawn anew with replacement.

    Says how much the number would move on another test set of this size; it does not know of other training
    seeds.
    """
    return bootstrap_mean_interval(
        targets,
        [predictions],
        num_classes=num_classes,
        statistic=statistic,
        resamples=resamples,
        level=level,
        seed=seed,
    )


def bootstrap_mean_interval(
    targets: NDArray[np.integer[Any]],
    predictions: Sequence[NDArray[np.integer[Any]]],
    *,
    num_classes: int,
    statistic: Statistic,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Percentile interval of the mean of ``statistic`` over several models, one [N] array per seed.

    A resample takes the same rows for every model: the models share one test set, so their errors move
    together.

    Raises:
        ValueError: no rows, no predictions, lengths differ, or an index is outside the classes.
    """
    kinds = row_kinds(targets, predictions, num_classes=num_classes)
    values = resampled_scores(kinds, statistic=statistic, resamples=resamples, seed=seed).mean(axis=0)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


@dataclass(frozen=True, slots=True, kw_only=True)
class RowKinds:
    """Rows with the same target and the same predictions are interchangeable: kinds of rows, and how many of each.

    Attributes:
        num_classes: K.
        counts: [U] rows of each kind.
        member: [S, U, K²] 1 where a model files a kind in the confusion matrix, else 0.
    """

    num_classes: int
    counts: NDArray[np.int64]
    member: NDArray[np.float32]

    def confusion(self, counts: NDArray[np.integer[Any]]) -> Floats:
        """Confusion matrices [S, R, K, K] of the models when there are ``counts`` [R, U] rows of each kind."""
        filed = counts.astype(np.float32) @ self.member  # exact up to 2²⁴ rows
        return filed.reshape(*filed.shape[:2], self.num_classes, self.num_classes).astype(np.float64)

    def pieces(self, total: int) -> Iterator[int]:
        """Cut ``total`` draws into sizes that fit in memory."""
        size = max(1, CELLS_AT_ONCE // max(len(self.counts), self.member[:, 0].size))
        return (min(size, total - start) for start in range(0, total, size))


def row_kinds(
    targets: NDArray[np.integer[Any]], predictions: Sequence[NDArray[np.integer[Any]]], *, num_classes: int
) -> RowKinds:
    """The kinds of rows among ``targets`` [N] and the ``predictions`` of S models, one [N] array each.

    Raises:
        ValueError: no rows, no predictions, lengths differ, or an index is outside the classes.
    """
    answers = np.stack([np.asarray(targets), *map(np.asarray, predictions)])  # (1 + S, N)
    if not predictions or not answers[0].size or answers.min() < 0 or answers.max() >= num_classes:
        raise ValueError(f"a comparison needs rows and predictions, class indices in 0 … {num_classes - 1}")
    kinds, counts = np.unique(answers, axis=1, return_counts=True)  # (1 + S, U), (U,)
    cells = num_classes * kinds[0] + kinds[1:]  # (S, U)
    member = (cells[..., None] == np.arange(num_classes**2)).astype(np.float32)
    return RowKinds(num_classes=num_classes, counts=counts, member=member)


def resampled_scores(kinds: RowKinds, *, statistic: Statistic, resamples: int, seed: int) -> Floats:
    """``statistic`` [S, R] of every model when the rows are drawn anew, the same rows for all.

    The number of rows drawn of each kind is multinomial, so no resample has to touch the rows themselves.
    """
    generator = np.random.default_rng(seed)
    shares = kinds.counts / kinds.counts.sum()
    scores = [
        STATISTICS[statistic](kinds.confusion(generator.multinomial(kinds.counts.sum(), shares, size=size)))
        for size in kinds.pieces(resamples)
    ]
    return np.concatenate(scores, axis=1)
