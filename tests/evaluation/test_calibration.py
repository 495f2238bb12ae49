"""Calibration against loops over posts, and the temperature against a grid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sentipair.evaluation.calibration import (
    TEMPERATURES,
    calibration_scores,
    describe_calibration,
    fit_temperature,
    reliability_bins,
    risk_coverage,
)


def made(rows: int, classes: int, *, scale: float = 2.0, seed: int = 0) -> tuple[Any, Any]:
    """Logits that know a little of the targets."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(classes, size=rows)
    return generator.normal(size=(rows, classes)) * scale + np.eye(classes)[targets], targets


def softmax(row: Any) -> list[float]:
    powers = [math.exp(value - max(row)) for value in row]
    return [power / sum(powers) for power in powers]


def oracle(logits: Any, targets: Any) -> dict[str, float]:
    """ECE, Brier and NLL, post by post and bin by bin."""
    bins: dict[int, list[tuple[float, bool]]] = {b: [] for b in range(15)}
    brier = nll = 0.0
    for row, target in zip(logits.tolist(), targets.tolist(), strict=True):
        probabilities = softmax(row)
        brier += sum((p - (k == target)) ** 2 for k, p in enumerate(probabilities))
        nll -= math.log(probabilities[target])
        sure = max(probabilities)
        (place,) = (b for b in bins if b / 15 < sure <= (b + 1) / 15)
        bins[place].append((sure, probabilities.index(sure) == target))
    gaps = 0.0
    for members in filter(None, bins.values()):
        sure = sum(confidence for confidence, _ in members) / len(members)
        right = sum(hit for _, hit in members) / len(members)
        gaps += len(members) / len(targets) * abs(sure - right)
    return {"ece": gaps, "brier": brier / len(targets), "nll": nll / len(targets)}


@pytest.mark.parametrize(("rows", "classes"), [(1, 3), (7, 2), (200, 3), (300, 8)])
def test_scores_are_those_of_loops(rows: int, classes: int) -> None:
    logits, targets = made(rows, classes)
    assert calibration_scores(logits, targets) == pytest.approx(oracle(logits, targets))


def test_scores_of_single_precision_logits_with_huge_gaps_are_finite() -> None:
    logits = np.array([[500.0, -500.0], [-500.0, 500.0]], np.float32)
    scores = calibration_scores(logits, np.array([0, 0]))
    assert scores == pytest.approx({"ece": 0.5, "brier": 1.0, "nll": 500.0})


def test_a_tie_of_all_classes_is_as_bad_as_it_should_be() -> None:
    scores = calibration_scores(np.zeros((4, 4)), np.array([0, 1, 2, 3]))
    assert scores == pytest.approx({"ece": 0.0, "brier": 0.75, "nll": math.log(4)})


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    logits = np.log(np.array([[0.6, 0.4], [1.0, 1e-30]]))  # 0.6 = 9/15
    counts = [row["count"] for row in reliability_bins(logits, np.array([0, 0]))]
    assert [place for place, count in enumerate(counts) if count] == [8, 14]


def test_bins_hold_every_post_once_and_empty_ones_have_no_means() -> None:
    logits, targets = made(50, 3)
    bins = reliability_bins(logits, targets)
    assert len(bins) == 15
    assert sum(row["count"] for row in bins) == 50
    for place, row in enumerate(bins):
        if row["count"]:
            assert place / 15 < row["confidence"] <= (place + 1) / 15
            assert 0 <= row["accuracy"] <= 1
        else:
            assert row["confidence"] is row["accuracy"] is None
    right = sum(row["count"] * row["accuracy"] for row in bins if row["count"])
    assert right == pytest.approx((logits.argmax(1) == targets).sum())


def test_risk_is_the_error_among_the_most_confident() -> None:
    logits, targets = made(40, 3)
    confidence = [max(softmax(row)) for row in logits.tolist()]
    order = sorted(range(40), key=lambda i: -confidence[i])
    wrong = [int(logits[i].argmax() != targets[i]) for i in order]
    coverage, risk = risk_coverage(logits, targets)
    assert coverage.tolist() == pytest.approx([k / 40 for k in range(1, 41)])
    assert risk.tolist() == pytest.approx([sum(wrong[:k]) / k for k in range(1, 41)])


def test_the_order_of_equally_confident_posts_does_not_matter() -> None:
    logits = np.array([[2.0, 0.0]] * 4 + [[1.0, 0.0]] * 2)
    targets = np.array([0, 0, 1, 0, 1, 1])
    _, risk = risk_coverage(logits, targets)
    assert risk.tolist() == pytest.approx([0.25, 0.25, 0.25, 0.25, 2 / 5, 3 / 6])
    for order in ([5, 4, 3, 2, 1, 0], [2, 4, 0, 5, 3, 1]):
        np.testing.assert_allclose(risk_coverage(logits[order], targets[order])[1], risk)


@pytest.mark.parametrize("factor", [0.2, 1.0, 5.0])
def test_the_temperature_is_the_best_of_a_fine_grid(factor: float) -> None:
    logits, targets = made(300, 3, scale=1.0)
    logits = factor * logits
    found = fit_temperature(logits, targets)
    grid = np.geomspace(*TEMPERATURES, 2_000)
    losses = [oracle_loss(logits / t, targets) for t in grid]
    assert oracle_loss(logits / found, targets) <= min(losses) + 1e-9
    assert found == pytest.approx(grid[int(np.argmin(losses))], rel=0.01)


def oracle_loss(logits: Any, targets: Any) -> float:
    """Cross-entropy with (N + 1)/(N + K) on the target and 1/(N + K) on every other class."""
    count, classes = logits.shape
    total = 0.0
    for row, target in zip(logits, targets, strict=True):
        below = math.log(sum(math.exp(value - max(row)) for value in row)) + max(row)
        for place, value in enumerate(row):
            total += ((count if place == target else 0) + 1) / (count + classes) * (below - value)
    return total / count


def test_logits_made_too_large_are_cooled_by_that_much() -> None:
    generator = np.random.default_rng(1)
    honest = generator.normal(size=(20_000, 3))
    cumulated = np.exp(honest).cumsum(axis=1)
    targets = (generator.random((20_000, 1)) * cumulated[:, -1:] > cumulated).sum(axis=1)
    assert fit_temperature(3 * honest, targets) == pytest.approx(3, rel=0.03)
    assert calibration_scores(honest, targets)["ece"] < 0.02 < calibration_scores(3 * honest, targets)["ece"]


@pytest.mark.parametrize(("rows", "sure"), [(3, 4 / 6), (6, 7 / 9), (300, 301 / 303)])
def test_a_model_is_as_sure_as_the_number_of_posts_allows(rows: int, sure: float) -> None:
    targets = np.arange(rows) % 3
    found = fit_temperature(5 * np.eye(3)[targets], targets)  # all right
    shares = np.exp(5 * np.eye(3)[0] / found)
    assert shares[0] / shares.sum() == pytest.approx(sure, rel=0.01)


def test_hopeless_predictions_end_at_the_bound() -> None:
    assert fit_temperature(-np.eye(3), np.arange(3)) == pytest.approx(TEMPERATURES[1], rel=0.01)


def test_where_no_temperature_helps_it_is_one() -> None:
    assert fit_temperature(np.zeros((5, 3)), np.zeros(5, int)) == 1.0


@pytest.mark.parametrize(
    ("logits", "targets"),
    [
        ([[0.2, 0.9, 0.1]], [1]),  # one row
        ([[0.2, 0.9], [1.0, 0.5], [0.3, 0.1]], [0, 0, 0]),  # one class
        ([[5.0, 0.0], [0.0, 5.0]], [0, 1]),  # perfect
        ([[1.0], [2.0]], [0, 0]),  # the only class there is
    ],
)
def test_small_splits_are_described_in_full(logits: Any, targets: Any) -> None:
    logits, targets = np.array(logits), np.array(targets)
    temperature = fit_temperature(logits, targets)
    found = describe_calibration(logits, targets, temperature=temperature)
    assert TEMPERATURES[0] <= found["temperature"] <= TEMPERATURES[1]
    assert oracle_loss(logits / temperature, targets) <= oracle_loss(logits, targets)
    assert all(math.isfinite(value) for stage in ("before", "after") for value in found[stage].values())
    assert len(found["risk_coverage"]) == len(targets)
    errors = (logits.argmax(1) != targets).mean()
    assert found["risk_coverage"][-1] == pytest.approx([1.0, errors])


def test_what_is_recorded_of_a_larger_split() -> None:
    logits, targets = made(437, 3, scale=5)
    found = describe_calibration(logits, targets, temperature=2.5)
    assert found["before"] == calibration_scores(logits, targets)
    assert found["after"] == calibration_scores(logits / 2.5, targets)
    assert found["reliability"] == reliability_bins(logits, targets)
    assert found["reliability_after"] == reliability_bins(logits / 2.5, targets)
    coverage, risk = risk_coverage(logits, targets)
    assert found["aurc"] == pytest.approx(risk.mean())
    assert len(found["risk_coverage"]) == 100
    curve = dict(zip(coverage.tolist(), risk.tolist(), strict=True))
    assert all(curve[point] == height for point, height in found["risk_coverage"])
    assert [found["risk_coverage"][0][0], found["risk_coverage"][-1][0]] == pytest.approx([1 / 437, 1.0])
