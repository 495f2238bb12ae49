"""Metrics against hand-written loops and the published majority floors."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sentipair.errors import UserError
from sentipair.evaluation.metrics import (
    STATISTICS,
    Metrics,
    confusion_matrix,
    evaluate_predictions,
    headline,
)

CLASSES = ("positive", "neutral", "negative")


def loop_scores(targets, predictions, classes):
    """Precision, recall, F1 and support per class, counted one row at a time."""
    rows = []
    for c in range(len(classes)):
        hit = sum(1 for t, p in zip(targets, predictions, strict=True) if t == c and p == c)
        said = sum(1 for p in predictions if p == c)
        true = sum(1 for t in targets if t == c)
        precision = hit / said if said else 0.0
        recall = hit / true if true else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        rows.append((precision, recall, f1, true))
    return rows


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("count", [1, 2, 7, 200])
@pytest.mark.parametrize("num_classes", [2, 3, 5])
def test_every_score_equals_the_loop(seed, count, num_classes):
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, num_classes, count)
    predictions = np.where(generator.random(count) < 0.5, targets, generator.integers(0, num_classes, count))
    classes = [f"c{i}" for i in range(num_classes)]
    rows = loop_scores(targets, predictions, classes)
    found = evaluate_predictions(targets, predictions, classes)

    assert found.accuracy == pytest.approx(sum(targets == predictions) / count)
    for place, name in enumerate(("precision", "recall", "f1")):
        macro = sum(row[place] for row in rows) / num_classes
        weighted = sum(row[place] * row[3] for row in rows) / count
        assert getattr(found, f"macro_{name}") == pytest.approx(macro)
        assert getattr(found, f"weighted_{name}") == pytest.approx(weighted)
    for row, oracle in zip(found.per_class, rows, strict=True):
        assert (row.precision, row.recall, row.f1, row.support) == pytest.approx(oracle)
    for t in range(num_classes):
        for p in range(num_classes):
            assert found.confusion[t][p] == sum((targets == t) & (predictions == p))
    assert found.binary_f1 == (pytest.approx(rows[1][2]) if num_classes == 2 else None)
    assert ("binary_f1" in headline(num_classes)) is (num_classes == 2)


def test_scikit_learn_agrees_on_an_absent_class_and_zero_division():
    from sklearn.metrics import precision_recall_fscore_support

    targets, predictions = np.array([0, 0, 1, 1, 1]), np.array([0, 2, 1, 1, 0])
    found = evaluate_predictions(targets, predictions, ("a", "b", "c", "d"))
    for average in ("macro", "weighted"):
        p, r, f, _ = precision_recall_fscore_support(
            targets, predictions, labels=[0, 1, 2, 3], average=average, zero_division=0
        )
        ours = tuple(getattr(found, f"{average}_{name}") for name in ("precision", "recall", "f1"))
        assert ours == pytest.approx((p, r, f))
    assert found.per_class[3].support == 0
    assert found.per_class[3].f1 == 0


@pytest.mark.parametrize(
    ("counts", "accuracy", "weighted_f1"),
    [
        ((268, 47, 135), 0.5956, 0.4446),
        ((1131, 440, 129), 0.6653, 0.5316),
        ((4160, 2201, 631), 0.5950, 0.4439),
    ],
)
def test_majority_floor_is_the_published_one(counts, accuracy, weighted_f1):
    targets = np.repeat(np.arange(3), counts)
    found = evaluate_predictions(targets, targets, CLASSES)
    assert round(found.majority_accuracy, 4) == accuracy
    assert round(found.majority_weighted_f1, 4) == weighted_f1
    floor = evaluate_predictions(targets, np.zeros_like(targets), CLASSES)
    assert (floor.accuracy, floor.weighted_f1, floor.macro_f1) == (
        found.majority_accuracy,
        found.majority_weighted_f1,
        found.majority_macro_f1,
    )


def test_majority_macro_f1_of_hfm():
    targets = np.repeat([0, 1], [1450, 959])
    assert round(evaluate_predictions(targets, targets, ("no", "yes")).majority_macro_f1, 4) == 0.3757


def test_json_round_trip_keeps_everything():
    for classes in (("no", "yes"), CLASSES):
        generator = np.random.default_rng(0)
        targets, predictions = generator.integers(0, len(classes), (2, 50))
        found = evaluate_predictions(targets, predictions, classes)
        assert Metrics.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_statistics_take_a_stack_of_confusion_matrices():
    stack = np.random.default_rng(0).integers(0, 9, (4, 5, 3, 3))
    for statistic in STATISTICS.values():
        one_by_one = [[statistic(stack[i, j]) for j in range(5)] for i in range(4)]
        np.testing.assert_allclose(statistic(stack), one_by_one)


def test_an_empty_confusion_matrix_scores_zero():
    assert [float(statistic(np.zeros((3, 3), int))) for statistic in STATISTICS.values()] == [0, 0, 0, 0]


def test_no_rows_is_the_users_to_mend():
    with pytest.raises(UserError, match="no labelled rows"):
        evaluate_predictions(np.array([], int), np.array([], int), CLASSES)


@pytest.mark.parametrize(("targets", "predictions"), [([0, -1], [0, 0]), ([0, 1], [0, 3]), ([0, 1], [0])])
def test_indices_outside_the_classes_are_refused(targets, predictions):
    with pytest.raises(ValueError, match="must"):
        confusion_matrix(np.array(targets), np.array(predictions), 3)
