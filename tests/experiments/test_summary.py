"""The summary over seeds against direct computation from the files of the runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import accuracy_score, f1_score

from sentipair.errors import UserError
from sentipair.evaluation.bootstrap import bootstrap_mean_interval
from sentipair.evaluation.metrics import Statistic
from sentipair.evaluation.record import record_split
from sentipair.experiments.summary import summarise_seeds
from sentipair.experiments.workbench import Workbench
from sentipair.features import FeatureStore
from sentipair.models.persistence import load_model
from sentipair.reporting.run import SeedRun
from sentipair.training.config import RunConfig

SCORES = {
    "accuracy": accuracy_score,
    "weighted_f1": lambda a, b: f1_score(a, b, average="weighted", zero_division=0),
    "macro_f1": lambda a, b: f1_score(
        a, b, average="macro", labels=["positive", "neutral", "negative"], zero_division=0
    ),
}


def columns(run: Path, seed: int, split: str) -> tuple[list[str], list[str]]:
    table = pq.read_table(run / f"seed-{seed}" / f"predictions-{split}.parquet").to_pydict()
    return table["label"], table["prediction"]


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("name", list(SCORES))
def test_mean_deviation_and_interval(finished_run: Path, split: str, name: Statistic) -> None:
    summary = json.loads((finished_run / "summary.json").read_text(encoding="utf-8"))
    found = summary[split][name]
    answers = [columns(finished_run, seed, split) for seed in (0, 1)]
    values = [SCORES[name](*answer) for answer in answers]
    assert found["values"] == pytest.approx(values)
    assert found["mean"] == pytest.approx(np.mean(values))
    assert found["sd"] == pytest.approx(np.std(values, ddof=1))

    classes = ["positive", "neutral", "negative"]
    targets, first, second = (
        np.array([classes.index(name) for name in column])
        for column in (answers[0][0], answers[0][1], answers[1][1])
    )
    interval = bootstrap_mean_interval(targets, [first, second], num_classes=3, statistic=name)
    assert found["interval"] == list(interval)
    assert interval[0] <= found["mean"] <= interval[1]


def test_what_else_it_says(finished_run: Path, sample_posts: Path) -> None:
    summary = json.loads((finished_run / "summary.json").read_text(encoding="utf-8"))
    assert (summary["model"], summary["fidelity"], summary["seeds"]) == ("spp-scl", "sound", [0, 1])
    assert summary["data"] == str(sample_posts)
    labels, _ = columns(finished_run, 0, "test")
    most = max(labels.count(name) for name in set(labels))
    assert summary["majority"]["accuracy"] == pytest.approx(most / len(labels))
    assert summary["flips"] == 0


def test_slices_over_seeds(finished_run: Path) -> None:
    summary = json.loads((finished_run / "summary.json").read_text(encoding="utf-8"))
    results = [
        json.loads((finished_run / f"seed-{seed}" / "result.json").read_text(encoding="utf-8"))
        for seed in (0, 1)
    ]
    first, second = (result["splits"]["test"]["slices"] for result in results)
    assert len(summary["slices"]) == len(first)
    for found, one, other in zip(summary["slices"], first, second, strict=True):
        assert [found[key] for key in ("by", "name", "count")] == [
            one[key] for key in ("by", "name", "count")
        ]
        for name in SCORES:
            if one[name] is None:
                assert found[name] is None
            else:
                assert found[name]["values"] == [one[name], other[name]]
                assert found[name]["mean"] == pytest.approx((one[name] + other[name]) / 2)
    assert {row["by"] for row in first} >= {"labels", "class", "words", "withheld"}


@pytest.fixture
def contaminated_run(finished_run: Path, tmp_path: Path, feature_folder: Path) -> Path:
    """A copy of the run whose seeds were evaluated as if the first three test posts were also in training."""
    copy = Path(shutil.copytree(finished_run, tmp_path / "runs"))
    for seed in (0, 1):
        folder = copy / f"seed-{seed}"
        config = RunConfig.read(folder / "config.yaml")
        bench = Workbench(config, FeatureStore(feature_folder))
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        result["splits"]["test"] = record_split(
            load_model(folder)[0],
            bench.table("test"),
            split="test",
            classes=bench.dataset.classes,
            temperature=result["temperature"],
            folder=folder,
            why="a test",
            contaminated=bench.dataset.splits["test"][:3],
        )
        (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    return copy


@pytest.mark.parametrize("name", list(SCORES))
def test_clean_rows_over_seeds(contaminated_run: Path, name: Statistic) -> None:
    runs = [SeedRun(contaminated_run / f"seed-{seed}") for seed in (0, 1)]
    summary = summarise_seeds(RunConfig.read(runs[0].folder / "config.yaml"), runs)
    assert summary["rows"] == {"test": 12, "test_clean": 9}
    answers = [[column[3:] for column in columns(contaminated_run, seed, "test")] for seed in (0, 1)]
    values = [SCORES[name](*answer) for answer in answers]
    found = summary["test_clean"][name]
    assert found["values"] == pytest.approx(values)
    assert found["mean"] == pytest.approx(np.mean(values))
    classes = ["positive", "neutral", "negative"]
    targets, first, second = (
        np.array([classes.index(name) for name in column])
        for column in (answers[0][0], answers[0][1], answers[1][1])
    )
    interval = bootstrap_mean_interval(targets, [first, second], num_classes=3, statistic=name)
    assert found["interval"] == interval
    labels = answers[0][0]
    most = max(labels.count(label) for label in set(labels))
    assert summary["majority_clean"]["accuracy"] == pytest.approx(most / 9)
    assert "validation_clean" not in summary


def test_without_twins_there_is_no_clean_part(finished_run: Path) -> None:
    summary = json.loads((finished_run / "summary.json").read_text(encoding="utf-8"))
    assert summary["rows"] == {"test": 12}
    assert not [key for key in summary if key.endswith("_clean")]


def test_controls_stand_beside(finished_run: Path) -> None:
    summary = json.loads((finished_run / "summary.json").read_text(encoding="utf-8"))
    assert list(summary["controls"]) == ["majority", "blanks", "length", "marks", "picture", "all"]
    assert summary["controls"]["majority"]["accuracy"] == pytest.approx(summary["majority"]["accuracy"])


def test_one_seed_has_no_deviation(finished_run: Path) -> None:
    folder = finished_run / "seed-1"
    summary = summarise_seeds(RunConfig.read(folder / "config.yaml"), [SeedRun(folder)])
    assert summary["seeds"] == [1]
    assert summary["test"]["accuracy"]["sd"] is None


def test_missing_predictions_are_named(finished_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished_run / "seed-0", tmp_path / "seed-0"))
    (folder / "predictions-test.parquet").unlink()
    with pytest.raises(UserError, match=r"predictions-test\.parquet is missing"):
        summarise_seeds(RunConfig.read(folder / "config.yaml"), [SeedRun(folder)])
