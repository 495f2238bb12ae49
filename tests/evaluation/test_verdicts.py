"""A large model's own verdicts against the labels."""

from __future__ import annotations

import pytest
from sklearn.metrics import accuracy_score, f1_score

from sentipair.data import Pair, PairDataset
from sentipair.errors import UserError
from sentipair.evaluation.verdicts import verdict_scores

CLASSES = ("positive", "neutral", "negative")


def posts(labels: list[str | None], **splits: tuple[str, ...]) -> PairDataset:
    pairs = tuple(Pair(id=str(i), text="x", label=label) for i, label in enumerate(labels))
    return PairDataset(name="posts", classes=CLASSES, pairs=pairs, splits=splits)


def test_scores_per_split_with_the_usual_class_for_no_verdict() -> None:
    labels = ["neutral", "neutral", "positive", "negative", "neutral", "positive", None]
    data = posts(labels, train=("0", "1", "2"), test=("3", "4", "5", "6"))
    verdicts = {
        "0": "neutral",
        "1": "positive",
        "2": None,
        "3": "negative",
        "4": None,
        "5": None,
        "6": "neutral",
    }
    scores = verdict_scores(data, verdicts)
    assert [scores[split]["rows"] for split in ("train", "test")] == [3, 3]
    assert [scores[split]["answered"] for split in ("train", "test")] == [2, 1]
    true, picked = ["negative", "neutral", "positive"], ["negative", "neutral", "neutral"]
    metrics = scores["test"]["metrics"]
    assert metrics["accuracy"] == pytest.approx(accuracy_score(true, picked))
    assert metrics["weighted_f1"] == pytest.approx(
        f1_score(true, picked, average="weighted", zero_division=0)
    )
    low, high = scores["test"]["intervals"]["accuracy"]
    assert low <= metrics["accuracy"] <= high
    assert list(scores["test"]["intervals"]) == ["accuracy", "weighted_f1", "macro_f1"]


def test_only_posts_that_were_asked_about_count() -> None:
    data = posts(["neutral", "positive", "negative"], train=("0",), test=("1", "2"))
    scores = verdict_scores(data, {"1": "positive"})
    assert list(scores) == ["test"]
    assert (scores["test"]["rows"], scores["test"]["metrics"]["accuracy"]) == (1, 1)
    assert verdict_scores(data, {}) == verdict_scores(data, {"0": None, "1": None}) == {}


def test_data_without_splits_is_scored_as_a_whole() -> None:
    assert verdict_scores(posts(["neutral", None]), {"0": "neutral", "1": "neutral"})["all"]["rows"] == 1


def test_a_verdict_outside_the_classes_is_one_line() -> None:
    with pytest.raises(UserError, match="'joy' is none of the classes positive, neutral, negative"):
        verdict_scores(posts(["neutral"]), {"0": "joy"})
