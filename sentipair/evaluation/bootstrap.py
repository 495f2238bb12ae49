"""How sure is a number: bootstrap intervals over test rows, and the spread over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sentipair.evaluation.metrics import STATISTICS, Statistic

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
    together. Rows with the same target and the same predictions are interchangeable; therefore the number
    of rows drawn of each such kind is multinomial, and no resample has to touch the rows themselves.

    Raises:
        ValueError: no rows, lengths differ, or an index is outside the classes.
    """
    answers = np.stack([np.asarray(targets), *map(np.asarray, predictions)])  # (1 + S, N)
    rows = answers.shape[1]
    if rows == 0 or answers.min() < 0 or answers.max() >= num_classes:
        raise ValueError(f"a bootstrap needs rows, with class indices in 0 … {num_classes - 1}")
    kinds, counts = np.unique(answers, axis=1, return_counts=True)  # (1 + S, U), (U,)
    cells = num_classes * kinds[0] + kinds[1:]  # (S, U): where each model files this kind of row
    member = (cells[..., None] == np.arange(num_classes**2)).astype(np.float32)  # (S, U, K²)
    generator = np.random.default_rng(seed)
    chunk = max(1, CELLS_AT_ONCE // len(counts))
    values = []
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        drawn = generator.multinomial(rows, counts / rows, size=size).astype(np.float32)  # (R, U)
        confusion = (drawn @ member).reshape(len(member), size, num_classes, num_classes)
        values.append(STATISTICS[statistic](confusion).mean(axis=0))
    low, high = np.quantile(np.concatenate(values), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
