"""Classification metrics, all from the confusion matrix, with the majority class as the floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sentipair.errors import UserError

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Statistic = Literal["accuracy", "weighted_f1", "macro_f1", "binary_f1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMetrics:
    """Precision, recall and F1 of one class, and how many rows truly belong to it."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What every evaluation reports. All scores lie in [0, 1].

    Attributes:
        binary_f1: F1 of the last class where there are exactly two classes (the sarcastic one), else None.
        confusion: [K, K] counts; rows are true classes, columns predicted ones.
        majority_accuracy: of a classifier that always answers the most frequent class of the targets;
            likewise ``majority_weighted_f1``, ``majority_macro_f1`` and ``majority_binary_f1``.
    """

    accuracy: float
    weighted_precision: float
    weighted_recall: float
    weighted_f1: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    binary_f1: float | None
    per_class: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[int, ...], ...]
    majority_accuracy: float
    majority_weighted_f1: float
    majority_macro_f1: float
    majority_binary_f1: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Metrics:
        """The inverse of ``to_dict``, also after a round trip through JSON."""
        per_class = tuple(ClassMetrics(**row) for row in values["per_class"])
        confusion = tuple(tuple(row) for row in values["confusion"])
        return cls(**{**values, "per_class": per_class, "confusion": confusion})


def evaluate_predictions(
    targets: NDArray[np.integer[Any]], predictions: NDArray[np.integer[Any]], classes: Sequence[str]
) -> Metrics:
    """All metrics of ``predictions`` [N] against ``targets`` [N], both class indices into ``classes``.

    A ratio with a zero denominator is 0. Every class of the task counts in the macro averages, also one
    that is absent from the targets (its recall and F1 are then 0); in the weighted averages its weight is
    0. That is what scikit-learn does with ``labels=`` all classes and ``zero_division=0``.

    Raises:
        UserError: there are no rows.
        ValueError: lengths differ, or an index is outside the classes (leave out rows without a label).
    """
    if len(targets) == 0:
        raise UserError("there are no labelled rows to evaluate; give a split in which posts have labels")
    confusion = confusion_matrix(targets, predictions, len(classes))
    precision, recall, f1 = class_scores(confusion)
    support = confusion.sum(axis=1)
    weights = support / support.sum()
    majority = np.zeros_like(confusion)
    majority[:, support.argmax()] = support
    rows = zip(classes, precision, recall, f1, support, strict=True)
    return Metrics(
        accuracy=float(accuracy(confusion)),
        weighted_precision=float(precision @ weights),
        weighted_recall=float(recall @ weights),
        weighted_f1=float(weighted_f1(confusion)),
        macro_precision=float(precision.mean()),
        macro_recall=float(recall.mean()),
        macro_f1=float(macro_f1(confusion)),
        binary_f1=float(binary_f1(confusion)) if len(classes) == 2 else None,
        per_class=tuple(
            ClassMetrics(name=name, precision=float(p), recall=float(r), f1=float(f), support=int(n))
            for name, p, r, f, n in rows
        ),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        majority_accuracy=float(accuracy(majority)),
        majority_weighted_f1=float(weighted_f1(majority)),
        majority_macro_f1=float(macro_f1(majority)),
        majority_binary_f1=float(binary_f1(majority)) if len(classes) == 2 else None,
    )


def confusion_matrix(
    targets: NDArray[np.integer[Any]], predictions: NDArray[np.integer[Any]], num_classes: int
) -> Counts:
    """Counts [K, K]: rows are the classes of ``targets`` [N], columns those of ``predictions`` [N].

    Raises:
        ValueError: lengths differ, or an index is outside 0 … K − 1.
    """
    targets, predictions = np.asarray(targets), np.asarray(predictions)
    if targets.shape != predictions.shape or targets.ndim != 1:
        raise ValueError(f"targets {targets.shape} and predictions {predictions.shape} must both be [N]")
    for name, values in (("targets", targets), ("predictions", predictions)):
        if values.size and not 0 <= values.min() <= values.max() < num_classes:
            raise ValueError(f"{name} must lie in 0 … {num_classes - 1}: {values.min()} … {values.max()}")
    cells = targets.astype(np.int64) * num_classes + predictions
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def class_scores(confusion: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 per class, each [..., K], from counts [..., K, K]; 0 where undefined."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    predicted, support = confusion.sum(axis=-2), confusion.sum(axis=-1)
    return _ratio(hits, predicted), _ratio(hits, support), _ratio(2 * hits, predicted + support)


def accuracy(confusion: NDArray[Any]) -> Floats:
    """Share of rows on the diagonal, [...] from counts [..., K, K]."""
    return _ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def weighted_f1(confusion: NDArray[Any]) -> Floats:
    """Mean of the class F1 weighted by support, [...] from counts [..., K, K]."""
    support = confusion.sum(axis=-1)
    return _ratio((class_scores(confusion)[2] * support).sum(axis=-1), support.sum(axis=-1))


def macro_f1(confusion: NDArray[Any]) -> Floats:
    """Plain mean of the class F1 over all K classes, [...] from counts [..., K, K]."""
    return np.asarray(class_scores(confusion)[2].mean(axis=-1))


def binary_f1(confusion: NDArray[Any]) -> Floats:
    """F1 of the last class alone, [...] from counts [..., K, K]: what sarcasm papers report."""
    return np.asarray(class_scores(confusion)[2][..., -1])


STATISTICS: Mapping[Statistic, Callable[[NDArray[Any]], Floats]] = {
    "accuracy": accuracy,
    "weighted_f1": weighted_f1,
    "macro_f1": macro_f1,
    "binary_f1": binary_f1,
}
"""The headline numbers, each a function of the confusion matrix alone."""


def headline(num_classes: int) -> tuple[Statistic, ...]:
    """Names of the headline numbers: the binary F1 is one where there are two classes."""
    return tuple(name for name in STATISTICS if name != "binary_f1" or num_classes == 2)


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Floats:
    zeros = np.zeros(np.shape(numerator), dtype=np.float64)
    return np.asarray(np.divide(numerator, denominator, out=zeros, where=np.asarray(denominator) > 0))
