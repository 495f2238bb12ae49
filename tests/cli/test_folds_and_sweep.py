"""``sentipair folds`` and ``sentipair sweep`` as a person calls them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sentipair.experiments import folds


@pytest.fixture
def sweep(sentipair: Any, sample_posts: Path, feature_folder: Path, tmp_path: Path) -> Any:
    """``sentipair sweep spp-scl`` with one epoch, into ``tmp_path / "runs"``."""
    common = ["--data", sample_posts, "--features", feature_folder, "--engine", "torch"]
    common += ["--set", "training.epochs=1", "--set", "model.dropout=0.1", "--output", tmp_path / "runs"]
    return lambda *words: sentipair("sweep", "spp-scl", *common, *words)


def test_sweep_and_rerun(sweep: Any, tmp_path: Path) -> None:
    result = sweep("--trials", 2, "--json")
    assert result.code == 0, result.err
    assert len(result.json["trials"]) == 2
    assert (
        "model.dropout" not in result.json["trials"][0]["settings"]
    )  # given by --set, therefore not searched
    for_people = sweep("--trials", 2)
    assert "The best of 2 trials" in for_people.out
    assert str(tmp_path / "runs" / "sweep.html") in for_people.out
    again = sweep("--trial", 1, "--json")
    assert again.json["score"] == again.json["recorded"] == result.json["trials"][1]["score"]
    missing = sweep("--trial", 5)
    assert (missing.code, missing.err.count("\n")) == (1, 1)
    assert "no finished trial in" in missing.err


def test_folds(sentipair: Any, sample_posts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    scores = {"accuracy": 0.5, "weighted_f1": 0.4, "macro_f1": 0.3}
    pooled = {name: {"mean": value, "interval": [0.1, 0.9]} for name, value in scores.items()}
    head = {"model": "spp-scl", "data": "posts", "scheme": "folds-3", "seeds": [0, 1]}
    summary = {
        **head,
        "folds": [{"rows": 20, **scores}] * 3,
        "over_folds": {name: {"mean": value, "sd": 0.0} for name, value in scores.items()},
        "pooled": {"rows": 60, **pooled},
        "clean": None,
        "majority": scores,
    }

    def run_folds(config: Any, scheme: str, seeds: Any, output: Path, **options: Any) -> Any:
        asked.update(config=config, scheme=scheme, seeds=[*seeds], output=output, **options)
        return summary

    monkeypatch.setattr(folds, "run_folds", run_folds)
    words = ["folds", "spp-scl", "--data", sample_posts, "--scheme", "folds-3", "--seeds", 2, "--workers", 1]
    words += ["--output", tmp_path / "runs", "--set", "training.epochs=1"]
    result = sentipair(*words)
    assert result.code == 0, result.err
    for shown in ("spp-scl on posts, folds-3, seeds 0, 1", "fold 3", "mean ± sd", str(tmp_path / "runs")):
        assert shown in result.out
    assert (asked["scheme"], asked["seeds"], asked["workers"]) == ("folds-3", [0, 1], 1)
    assert (asked["config"].training.epochs, asked["output"]) == (1, tmp_path / "runs")
    assert sentipair(*words, "--json").json == {**summary, "folder": str(tmp_path / "runs")}


def test_folds_that_are_not_there(sentipair: Any, sample_posts: Path, tmp_path: Path) -> None:
    words = ["folds", "spp-scl", "--data", sample_posts, "--output", tmp_path / "runs"]
    wrong = sentipair(*words, "--scheme", "cheema-2021")
    assert (wrong.code, wrong.out, wrong.err.count("\n")) == (1, "", 1)
    assert "has no folds 'cheema-2021'; use folds-10" in wrong.err
    assert not (tmp_path / "runs").exists()
