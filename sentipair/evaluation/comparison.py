"""Is one model better than another on the same rows? McNemar, paired bootstrap, paired permutation, Holm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sentipair.evaluation.bootstrap import Interval, RowKinds, resampled_scores, row_kinds
from sentipair.evaluation.metrics import STATISTICS, Floats, Statistic

Answers = Sequence[NDArray[np.integer[Any]]]
"""Predicted class indices, one [N] array per seed of a model."""

EXACT_BELOW = 25
"""With fewer disagreements McNemar's test is exact; the usual limit for the normal approximation."""

ROUNDING = 1e-9
"""Two differences of statistics nearer than this are a tie: only the order of additions tells them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McNemar:
    """Rows that only A or only B has right, and the two-sided p-value that both are as likely."""

    only_a: int
    only_b: int
    p_value: float
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Mean over A's seeds minus mean over B's, its percentile interval and the two-sided p-value."""

    difference: float
    interval: Interval
    p_value: float


def mcnemar(a_correct: NDArray[np.bool_], b_correct: NDArray[np.bool_]) -> McNemar:
    """McNemar's test (1947) of two single models, from which rows [N] each has right.

    Exact binomial for fewer than 25 disagreements, else chi-square with the continuity correction of Edwards
    (1948). Knows nothing of seeds; for several use ``paired_permutation``.

    Raises:
        ValueError: lengths differ.
    """
    a_correct, b_correct = np.asarray(a_correct, dtype=bool), np.asarray(b_correct, dtype=bool)
    if a_correct.shape != b_correct.shape:
        raise ValueError(
            f"{a_correct.shape} rows of A and {b_correct.shape} of B; they must be the same rows"
        )
    only_a, only_b = int((a_correct & ~b_correct).sum()), int((b_correct & ~a_correct).sum())
    disagreements = only_a + only_b
    exact = disagreements < EXACT_BELOW
    if exact:
        p_value = min(1.0, 2 * float(stats.binom.cdf(min(only_a, only_b), disagreements, 0.5)))
    else:
        corrected = max(0, abs(only_a - only_b) - 1)
        p_value = float(stats.chi2.sf(corrected**2 / disagreements, df=1))
    return McNemar(only_a=only_a, only_b=only_b, p_value=p_value, exact=exact)


def paired_bootstrap(
    targets: NDArray[np.integer[Any]],
    a: Answers,
    b: Answers,
    *,
    num_classes: int,
    statistic: Statistic,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Difference:
    """How much better A is than B, were the test rows drawn anew; both get the same rows in every resample.

    The p-value is twice the share of resamples in which the difference lies on the other side of zero, or on zero
    (Efron & Tibshirani 1993, chapter 15); so it is below 0.05 where the 95 % interval leaves zero out. Such a
    resample is taken to have occurred once more than it did, so that p is never 0.

    Args:
        targets: [N] class indices.
        a: predictions of model A, one [N] array per seed.
        b: predictions of model B; the number of seeds may differ.
        num_classes: K.
        statistic: what is compared.
        resamples: how many.
        level: of the interval.
        seed: of the draws.

    Raises:
        ValueError: no rows, no seed, lengths differ, or an index is outside the classes.
    """
    if not (a and b):
        raise ValueError("a comparison needs at least one seed of each model")
    kinds = row_kinds(targets, [*a, *b], num_classes=num_classes)
    scores = resampled_scores(kinds, statistic=statistic, resamples=resamples, seed=seed)
    drawn = _difference(scores, len(a))  # (R,)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    tail = min((drawn <= ROUNDING).sum(), (drawn >= -ROUNDING).sum())
    return Difference(
        difference=_difference(_observed(kinds, statistic), len(a)).item(),
        interval=Interval(float(low), float(high)),
        p_value=min(1.0, 2 * float(tail + 1) / (resamples + 1)),
    )


def paired_permutation(
    targets: NDArray[np.integer[Any]],
    a: Answers,
    b: Answers,
    *,
    num_classes: int,
    statistic: Statistic,
    permutations: int = 10_000,
    seed: int = 0,
) -> float:
    """Two-sided p-value of the difference between A and B if, row by row, it did not matter who gave which answers.

    In every permutation each row's answers change hands with probability ½: all of A's seeds for all of B's, so what
    seeds have in common on a row stays together. A model with fewer seeds repeats all of them until both have equally
    many, which leaves its mean as it is (for a model without randomness this is what more seeds would give). Rows with
    the same target and answers are interchangeable, so the number that changes hands is binomial. The observed
    assignment counts as one permutation (Phipson & Smyth 2010), so that p is never 0.

    Args and errors are those of ``paired_bootstrap``.
    """
    seeds = lcm(len(a), len(b))
    answers = [*list(a) * (seeds // max(1, len(a))), *list(b) * (seeds // max(1, len(b)))]
    kinds = row_kinds(targets, answers, num_classes=num_classes)
    observed = abs(_difference(_observed(kinds, statistic), seeds).item())
    generator = np.random.default_rng(seed)
    extreme = 0
    for size in kinds.pieces(permutations):
        changed = generator.binomial(kinds.counts, 0.5, size=(size, len(kinds.counts)))  # (P, U)
        taken_over = np.roll(kinds.confusion(changed), seeds, axis=0)
        confusion = kinds.confusion(kinds.counts - changed) + taken_over  # (2S, P, K, K)
        permuted = _difference(STATISTICS[statistic](confusion), seeds)
        extreme += int((np.abs(permuted) >= observed - ROUNDING).sum())
    return (extreme + 1) / (permutations + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number by Holm's step-down method (1979), in the order given.

    Reject where the adjusted value is below the level: the chance of any false rejection stays below it.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def _observed(kinds: RowKinds, statistic: Statistic) -> Floats:
    """The statistic [S, 1] of every model on the rows as they are."""
    return STATISTICS[statistic](kinds.confusion(kinds.counts[None]))


def _difference(scores: Floats, first: int) -> Floats:
    """Mean of the ``first`` rows of ``scores`` [S, R] minus mean of the others, [R]."""
    return np.asarray(scores[:first].mean(axis=0) - scores[first:].mean(axis=0))
