"""Does a model know how sure it can be? Calibration errors, one temperature against them, and risk against coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

Floats = NDArray[np.float64]
Logits = NDArray[np.floating[Any]]
Targets = NDArray[np.integer[Any]]

BINS = 15
"""Equal-width bins of confidence, as many as Guo et al. take."""

TEMPERATURES = (0.05, 20.0)
"""Bounds of a fitted temperature."""

CURVE_POINTS = 100
"""Points of a risk–coverage curve that are kept."""


def describe_calibration(logits: Logits, targets: Targets, *, temperature: float) -> dict[str, Any]:
    """All that a run records of the calibration of a split.

    Args:
        logits: [N, K], N at least 1.
        targets: [N] class indices.
        temperature: fitted on validation data.

    Returns:
        ``temperature``; the scores ``before`` and ``after`` the logits are divided by it; the ``reliability`` bins
        before it and the ``reliability_after``; and of the logits as they are the ``risk_coverage`` curve of at most
        100 points [coverage, risk] and the area ``aurc`` under the whole of it.
    """
    cooled = np.asarray(logits, np.float64) / temperature
    coverage, risk = risk_coverage(logits, targets)
    shown = np.unique(np.linspace(0, len(risk) - 1, CURVE_POINTS).round().astype(int))
    return {
        "temperature": temperature,
        "before": calibration_scores(logits, targets),
        "after": calibration_scores(cooled, targets),
        "reliability": reliability_bins(logits, targets),
        "reliability_after": reliability_bins(cooled, targets),
        "risk_coverage": np.stack([coverage, risk], axis=1)[shown].tolist(),
        "aurc": float(risk.mean()),
    }


def calibration_scores(logits: Logits, targets: Targets) -> dict[str, float]:
    """Expected calibration error, Brier score and negative log-likelihood of ``logits`` [N, K]; 0 is best for all.

    * ``ece``, in [0, 1]: the mean over posts of |accuracy − mean confidence| of the bin that the post lies in, with
      the 15 bins of ``reliability_bins`` (Guo et al., ICML 2017, Equation 3);
    * ``brier``, in [0, 2]: the squared distance of the probabilities from the one-hot target, summed over the classes
      (Brier, 1950, Equation 2), mean over posts;
    * ``nll``: −log of the probability of the target, in nats, mean over posts.
    """
    log_probabilities = log_softmax(np.asarray(logits, np.float64), axis=1)
    probabilities = np.exp(log_probabilities)
    one_hot = np.eye(probabilities.shape[1])[targets]
    bins = [row for row in reliability_bins(logits, targets) if row["count"]]
    gaps = sum(row["count"] * abs(row["accuracy"] - row["confidence"]) for row in bins)
    return {
        "ece": float(gaps / len(targets)),
        "brier": float(((probabilities - one_hot) ** 2).sum(axis=1).mean()),
        "nll": float(-log_probabilities[np.arange(len(targets)), targets].mean()),
    }


def reliability_bins(logits: Logits, targets: Targets) -> list[dict[str, Any]]:
    """The 15 bins of a reliability diagram: posts by the probability of their predicted class.

    Bin b holds confidences in (b/15, (b+1)/15].

    Returns:
        ``confidence`` and ``accuracy``, means over the posts of the bin (None where there is none), and ``count``.
    """
    confidence, right = _confidence(logits, targets)
    places = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    sums = [np.bincount(places, weights=values, minlength=BINS) for values in (confidence, right)]
    return [
        {
            "confidence": float(sure / count) if count else None,
            "accuracy": float(hits / count) if count else None,
            "count": int(count),
        }
        for sure, hits, count in zip(*sums, counts, strict=True)
    ]


def risk_coverage(logits: Logits, targets: Targets) -> tuple[Floats, Floats]:
    """Share of errors among the most confident posts, for every number of them that is kept.

    The mean of the risks is the area under the curve, AURC (Geifman, Uziel and El-Yaniv, ICLR 2019). Posts of equal
    confidence count with the share of errors among them, so that their order does not matter.

    Returns:
        Coverage [N], from 1/N to 1, and risk [N].
    """
    confidence, right = _confidence(logits, targets)
    levels, group, sizes = np.unique(-confidence, return_inverse=True, return_counts=True)
    share_wrong = np.bincount(group, weights=1 - right, minlength=len(levels)) / sizes
    kept = np.arange(1, len(right) + 1)
    return kept / len(right), np.repeat(share_wrong, sizes).cumsum() / kept


def fit_temperature(logits: Logits, targets: Targets) -> float:
    """The temperature T in [0.05, 20] with the lowest cross-entropy of ``logits`` / T (Guo et al., 2017).

    1 where none is better than the logits as they are. The targets are smoothed as if there were one post more of each
    class, (N + 1)/(N + K) for the right one (Platt, "Probabilistic Outputs for Support Vector Machines", 1999): six
    posts that are all right are no reason to be 100 % sure.

    Args:
        logits: [N, K] on validation data, N at least 1.
        targets: [N] class indices.
    """
    logits = np.asarray(logits, np.float64)
    count, classes = logits.shape
    smoothed = (count * np.eye(classes)[targets] + 1) / (count + classes)

    def loss(log_temperature: float) -> float:
        return float(-(smoothed * log_softmax(logits / np.exp(log_temperature), axis=1)).sum(axis=1).mean())

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0


def _confidence(logits: Logits, targets: Targets) -> tuple[Floats, Floats]:
    """Probability of the predicted class [N], and 1 where that is the target, else 0 [N]."""
    logits = np.asarray(logits, np.float64)
    right = (logits.argmax(axis=1) == targets).astype(np.float64)
    return np.exp(log_softmax(logits, axis=1)).max(axis=1), right
