"""Cross-validation: which folds there are, that every post is tested once, and what the folds say together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sentipair.data import load_dataset
from sentipair.errors import UserError
from sentipair.evaluation.bootstrap import bootstrap_mean_interval
from sentipair.evaluation.metrics import evaluate_predictions, headline
from sentipair.experiments import campaign
from sentipair.experiments.folds import fold_schemes, folds_table, run_folds, summarise_folds
from sentipair.features import FeatureStore
from sentipair.reporting.run import Prediction, Predictions, SeedRun
from sentipair.training.recipes import configure

CLASSES = ("a", "b", "c")


def predictions(labels: str, answers: str, *, unclean: tuple[int, ...] = ()) -> Predictions:
    """A table with a row per letter; a blank is no label."""
    rows = tuple(
        Prediction(
            id=str(n),
            text="",
            image=None,
            label=label.strip() or None,
            prediction=answer,
            probabilities=(1 / 3, 1 / 3, 1 / 3),
            clean=n not in unclean,
        )
        for n, (label, answer) in enumerate(zip(labels, answers, strict=True))
    )
    return Predictions(classes=CLASSES, rows=rows)


def indices(letters: str) -> np.ndarray:
    return np.array([CLASSES.index(letter) for letter in letters])


def test_the_names_of_the_folds() -> None:
    assert fold_schemes("posts.csv", "folds-3") == ["folds-3/1", "folds-3/2", "folds-3/3"]
    assert fold_schemes("mvsa-multiple", "cheema-2021") == [f"cheema-2021/{k}" for k in range(1, 11)]
    for source, scheme, known in (
        ("mvsa-single", "clmlf", "cheema-2021, folds-10"),
        ("hfm", "cheema-2021", "folds-10"),
        ("posts.csv", "folds", "folds-10"),
    ):
        with pytest.raises(UserError, match=f"{source} has no folds '{scheme}'; use {known}$"):
            fold_schemes(source, scheme)


def test_the_posts_of_all_folds_are_scored_together() -> None:
    tested = [
        [predictions("aabbc", "aabbb"), predictions("aabbc", "ccccc")],
        [predictions("a bc", "bbbc"), predictions("a bc", "acbc")],  # the second post has no label
    ]
    found = summarise_folds(tested)
    targets, answers = indices("aabbcabc"), [indices("aabbbbbc"), indices("cccccabc")]
    assert found["pooled"]["rows"] == 8
    assert [fold["rows"] for fold in found["folds"]] == [5, 3]
    assert found["folds"][0]["accuracy"] == pytest.approx((4 / 5 + 1 / 5) / 2)
    assert found["folds"][1]["accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["over_folds"]["accuracy"]["mean"] == pytest.approx((0.5 + 5 / 6) / 2)
    assert found["over_folds"]["accuracy"]["sd"] == pytest.approx((5 / 6 - 0.5) / 2**0.5)
    for name in headline(len(CLASSES)):
        scores = [getattr(evaluate_predictions(targets, answer, CLASSES), name) for answer in answers]
        assert found["pooled"][name]["mean"] == pytest.approx(np.mean(scores))
        interval = bootstrap_mean_interval(targets, answers, num_classes=3, statistic=name)
        assert found["pooled"][name]["interval"] == interval
    assert found["majority"]["accuracy"] == 3 / 8
    assert found["clean"] is None


def test_posts_with_a_duplicate_in_training_are_left_out_of_the_clean_scores() -> None:
    tested = [[predictions("aab", "abb", unclean=(1,))], [predictions("c a", "caa", unclean=(1,))]]
    found = summarise_folds(tested)
    assert found["pooled"]["accuracy"]["mean"] == pytest.approx(4 / 5)
    assert (found["clean"]["rows"], found["clean"]["accuracy"]["mean"]) == (4, 1)
    everything = [[predictions("ab", "ab", unclean=(0, 1))]] * 3
    assert summarise_folds(everything)["clean"] is None


def test_the_table_says_what_the_summary_says() -> None:
    head = {"model": "m", "data": "some/posts.csv", "scheme": "folds-3", "seeds": [0]}
    tested = [[predictions("aab", "abb", unclean=(1,))], [predictions("ca", "ca")], [predictions("ab", "ab")]]
    table = folds_table({**head, **summarise_folds(tested)})
    assert table.title == "m on posts.csv, folds-3, seeds 0"
    assert [row[:3] for row in table.rows] == [
        ["fold 1", "3", "0.667"],
        ["fold 2", "2", "1.000"],
        ["fold 3", "2", "1.000"],
        ["mean ± sd", "", "0.889 ± 0.192"],
        ["all posts", "7", "0.857 [0.571, 1.000]"],
        ["without duplicates", "6", "1.000 [1.000, 1.000]"],
        ["majority class", "", "0.571"],
    ]


def test_every_post_is_tested_once_and_nothing_is_done_twice(
    sample_posts: Path, feature_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure("spp-scl", str(sample_posts), engine="torch", overrides=["training.epochs=1"])
    store = FeatureStore(feature_folder)

    def train_here(todo: list[tuple[campaign.Job, int]], *_: object) -> None:
        """Without processes, which take long to start."""
        for job, seed in todo:
            campaign._train_one(job.config.model_copy(update={"seed": seed}), job.folder, store.root)

    monkeypatch.setattr(campaign, "_train", train_here)
    summary = run_folds(config, "folds-3", [0], tmp_path, store=store)
    assert {path.name for path in tmp_path.iterdir()} == {
        "fold-1",
        "fold-2",
        "fold-3",
        "folds.json",
        "folds.md",
    }
    tested = [SeedRun(tmp_path / f"fold-{k}" / "seed-0").predictions("test") for k in (1, 2, 3)]
    ids = [row.id for fold in tested if fold is not None for row in fold.rows]
    assert sorted(ids) == sorted(pair.id for pair in load_dataset(sample_posts))
    assert summary["pooled"]["rows"] == 60
    assert json.loads((tmp_path / "folds.json").read_text(encoding="utf-8"))["scheme"] == "folds-3"
    assert "| all posts | 60 |" in (tmp_path / "folds.md").read_text(encoding="utf-8")

    monkeypatch.setattr(campaign, "_train", None)
    again = run_folds(config, "folds-3", [0], tmp_path, store=store)
    assert json.dumps(again) == json.dumps(summary)
    with pytest.raises(UserError, match="other settings of data; choose another --output"):
        run_folds(config, "folds-4", [0], tmp_path, store=store)
