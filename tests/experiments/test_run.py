"""Runs as folders: what is in them, what is refused, what is not done twice."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from sentipair.data import load_dataset
from sentipair.errors import UserError
from sentipair.evaluation.calibration import fit_temperature
from sentipair.experiments import run as module
from sentipair.experiments.run import evaluate_run, run_seeds, warn_of_neighbours
from sentipair.features import FeatureStore
from sentipair.inference import Predictor
from sentipair.training.config import RunConfig
from sentipair.training.recipes import configure

FILES = {
    "config.json",
    "config.yaml",
    "embeddings-initial-test.safetensors",
    "embeddings-test.safetensors",
    "environment.json",
    "last.ckpt",
    "metrics.jsonl",
    "model.safetensors",
    "predictions-test.parquet",
    "predictions-validation.parquet",
    "report.html",
    "result.json",
    "test-looks.jsonl",
}


@pytest.fixture
def store(feature_folder: Path) -> FeatureStore:
    return FeatureStore(feature_folder)


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to be changed."""
    return Path(shutil.copytree(finished_run, tmp_path / "runs"))


def configured(data: Path, *wishes: str) -> RunConfig:
    return configure("spp-scl", str(data), engine="torch", overrides=wishes)


def changed_posts(sample_posts: Path, folder: Path, change: Any) -> Path:
    """A table in ``folder`` with what ``change`` makes of every row of the sample; None leaves it out."""
    lines = (sample_posts / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [change(json.loads(line)) for line in lines]
    for row in filter(None, rows):
        if row.get("file_name"):
            row["file_name"] = str(sample_posts / row["file_name"])
    table = folder / "posts.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows if row), encoding="utf-8")
    return table


def test_the_folder_holds_everything(finished_run: Path, sample_posts: Path) -> None:
    assert {path.name for path in finished_run.iterdir()} == {
        "seed-0",
        "seed-1",
        "summary.json",
        "report.html",
    }
    test = load_dataset(sample_posts).split("test")
    for seed in (0, 1):
        folder = finished_run / f"seed-{seed}"
        assert {path.name for path in folder.iterdir()} == FILES
        assert RunConfig.read(folder / "config.yaml").seed == seed
        table = pq.read_table(folder / "predictions-test.parquet").to_pydict()
        assert table["id"] == [pair.id for pair in test]
        assert table["label"] == [pair.label for pair in test]
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        right = sum(a == b for a, b in zip(table["label"], table["prediction"], strict=True))
        assert result["splits"]["test"]["metrics"]["accuracy"] == pytest.approx(right / len(test))
        assert set(result["splits"]["test"]["flips"].values()) == {0.0}
        assert result["splits"]["test"]["looks"] == 1
        assert result["splits"]["validation"]["looks"] is None


def test_a_model_without_features_runs_like_any_other(
    sample_posts: Path, tmp_path: Path, store: FeatureStore
) -> None:
    config = configure("majority", str(sample_posts), engine="torch")
    summary = run_seeds(config, [0], tmp_path / "run", store=store)
    folder = tmp_path / "run" / "seed-0"
    assert {path.name for path in folder.iterdir()} == {name for name in FILES if "embeddings" not in name}
    dataset = load_dataset(sample_posts)
    common, count = Counter(pair.label for pair in dataset.split("train")).most_common(1)[0]
    shares = [pair.label == common for pair in dataset.split("test")]
    assert summary["test"]["accuracy"]["mean"] == pytest.approx(np.mean(shares))
    prediction = Predictor.from_pretrained(folder, engine="torch")(text="any")
    assert prediction.label == common
    share = count / len(dataset.split("train"))
    assert prediction.probabilities[common] == pytest.approx(share, abs=0.1)
    assert run_seeds(config, [0], tmp_path / "run", store=store) == summary


def test_the_configuration_alone_rebuilds_the_run(
    finished_run: Path, tmp_path: Path, store: FeatureStore
) -> None:
    config = RunConfig.read(finished_run / "seed-1" / "config.yaml")
    run_seeds(config, [config.seed], tmp_path / "again", store=store)
    for name in ("model.safetensors", "predictions-test.parquet", "config.yaml", "config.json"):
        again = (tmp_path / "again" / "seed-1" / name).read_bytes()
        assert again == (finished_run / "seed-1" / name).read_bytes(), name


def test_a_finished_run_is_neither_trained_nor_read_again(
    run: Path, store: FeatureStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = RunConfig.read(run / "seed-0" / "config.yaml")
    before = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    (run / "seed-1" / "report.html").unlink()
    monkeypatch.setattr(module, "Workbench", None)
    assert run_seeds(config, [0, 1], run, store=store)["seeds"] == [0, 1]
    assert json.loads((run / "summary.json").read_text(encoding="utf-8")) == before
    assert "is finished; nothing is trained" in " ".join(capsys.readouterr().err.split())
    assert (run / "seed-1" / "report.html").exists()  # of a process that was killed before writing it


def test_the_summary_is_of_all_seeds_that_are_there(run: Path, store: FeatureStore) -> None:
    config = RunConfig.read(run / "seed-0" / "config.yaml")
    assert run_seeds(config, [0], run, store=store)["seeds"] == [0, 1]
    assert run_seeds(config, [2], run, store=store)["seeds"] == [0, 1, 2]


def test_other_settings_in_the_same_folder_are_refused(
    run: Path, sample_posts: Path, store: FeatureStore
) -> None:
    config = configured(sample_posts, "training.epochs=3", "objective.alpha=0.1")
    for seeds in ([0], [5]):  # also where that seed itself would be new
        with pytest.raises(
            UserError, match="other settings of objective and training; choose another --output"
        ):
            run_seeds(config, seeds, run, store=store)


def test_other_data_under_the_same_name_is_refused(
    sample_posts: Path, tmp_path: Path, store: FeatureStore
) -> None:
    table = changed_posts(sample_posts, tmp_path, lambda row: row)
    config = configured(table, "training.epochs=1")
    run_seeds(config, [0], tmp_path / "runs", store=store)
    changed_posts(sample_posts, tmp_path, lambda row: {**row, "text": row["text"] + "!"})
    with pytest.raises(UserError, match="the data has changed"):
        evaluate_run(tmp_path / "runs" / "seed-0", split="test", store=store)
    for seeds in ([0], [1]):  # the first is finished: old scores are not those of this table
        with pytest.raises(UserError, match="the data has changed"):
            run_seeds(config, seeds, tmp_path / "runs", store=store)
    assert not (tmp_path / "runs" / "seed-1").exists()
    changed_posts(sample_posts, tmp_path, lambda row: {**row, "another column": 1})
    assert run_seeds(config, [0], tmp_path / "runs", store=store)["seeds"] == [0]  # what is read is the same
    changed_posts(sample_posts, tmp_path, lambda row: {**row, "text_label": "negative"})
    with pytest.raises(UserError, match="the data has changed"):
        run_seeds(config, [0], tmp_path / "runs", store=store)


def test_evaluating_again_counts_the_look(run: Path, store: FeatureStore) -> None:
    folder = run / "seed-0"
    before = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    scores = evaluate_run(folder, split="test", store=store)
    assert scores["looks"] == 2
    assert json.loads(json.dumps(scores["metrics"])) == before["splits"]["test"]["metrics"]
    lines = (folder / "test-looks.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["why"] for line in lines] == ["after training", "sentipair evaluate"]
    assert json.loads((folder / "result.json").read_text(encoding="utf-8"))["splits"]["test"]["looks"] == 2
    assert evaluate_run(folder, split="validation", store=store)["looks"] is None
    assert "train" in evaluate_and_read(folder, store)


def test_evaluating_again_mends_what_was_altered_and_forgets_no_look(run: Path, store: FeatureStore) -> None:
    folder = run / "seed-0"
    looks = evaluate_run(folder, split="test", store=store)["looks"]
    predictions = folder / "predictions-test.parquet"
    before = predictions.read_bytes()
    predictions.write_bytes(before[:-40])
    (folder / "test-looks.jsonl").unlink()
    assert evaluate_run(folder, split="test", store=store)["looks"] == looks + 1
    assert predictions.read_bytes() == before


@pytest.mark.parametrize("left", [0, 4, -20])
@pytest.mark.parametrize("name", ["result.json", "environment.json"])
def test_a_file_that_was_cut_is_one_line(run: Path, store: FeatureStore, name: str, left: int) -> None:
    path = run / "seed-0" / name
    path.write_text(path.read_text(encoding="utf-8")[:left], encoding="utf-8")
    with pytest.raises(
        UserError, match=rf"{name} is damaged; delete .*result\.json there and repeat"
    ) as error:
        evaluate_run(run / "seed-0", split="test", store=store)
    assert "\n" not in str(error.value)


def evaluate_and_read(folder: Path, store: FeatureStore) -> dict[str, Any]:
    evaluate_run(folder, split="train", store=store)
    splits: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))["splits"]
    return splits


def test_the_temperature_is_fitted_on_validation_once(run: Path, store: FeatureStore) -> None:
    folder = run / "seed-0"
    table = pq.read_table(folder / "predictions-validation.parquet").to_pydict()
    classes = [name[2:-1] for name in table if name.startswith("p(")]
    logits = np.log(np.stack([table[f"p({name})"] for name in classes], axis=1))
    targets = np.array([classes.index(label) for label in table["label"]])
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert result["temperature"] == pytest.approx(fit_temperature(logits, targets), rel=1e-3)
    for split in ("validation", "test"):
        assert result["splits"][split]["calibration"]["temperature"] == result["temperature"]
    again = evaluate_run(folder, split="test", store=store)
    assert again["calibration"] == result["splits"]["test"]["calibration"]
    assert json.loads(json.dumps(again["slices"])) == result["splits"]["test"]["slices"]


def test_a_run_of_before_the_temperature_is_one_line(run: Path, store: FeatureStore) -> None:
    path = run / "seed-0" / "result.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    del result["temperature"]
    path.write_text(json.dumps(result), encoding="utf-8")
    with pytest.raises(UserError, match="older sentipair; train it again"):
        evaluate_run(run / "seed-0", split="test", store=store)


@pytest.mark.parametrize(("split", "expected"), [("tset", "no split 'tset'"), ("", "no split ''")])
def test_a_split_that_does_not_exist_is_one_line(
    run: Path, store: FeatureStore, split: str, expected: str
) -> None:
    with pytest.raises(UserError, match=expected):
        evaluate_run(run / "seed-0", split=split, store=store)


def test_a_folder_without_a_run_is_one_line(tmp_path: Path, store: FeatureStore) -> None:
    with pytest.raises(UserError, match="no finished run"):
        evaluate_run(tmp_path, split="test", store=store)


def one_epoch(table: Path, output: Path, store: FeatureStore) -> dict[str, Any]:
    return run_seeds(configured(table, "training.epochs=1"), [0], output, store=store)


def test_without_a_test_split_everything_else_is_there(
    sample_posts: Path, tmp_path: Path, store: FeatureStore
) -> None:
    table = changed_posts(sample_posts, tmp_path, lambda row: None if row["split"] == "test" else row)
    summary = one_epoch(table, tmp_path / "runs", store)
    assert "test" not in summary
    assert "accuracy" in summary["validation"]
    for page in ("report.html", "seed-0/report.html"):
        assert (tmp_path / "runs" / page).exists()
    assert not (tmp_path / "runs" / "seed-0" / "test-looks.jsonl").exists()


def test_a_test_split_without_labels_is_left_alone(
    sample_posts: Path, tmp_path: Path, store: FeatureStore
) -> None:
    table = changed_posts(
        sample_posts, tmp_path, lambda row: {**row, "label": None if row["split"] == "test" else row["label"]}
    )
    assert "test" not in one_epoch(table, tmp_path / "runs", store)


def test_pictures_alone_and_texts_alone_can_be_trained_on(
    sample_posts: Path, tmp_path: Path, store: FeatureStore
) -> None:
    for name, change in (("texts", {"file_name": None}), ("pictures", {"text": ""})):
        (tmp_path / name).mkdir()
        table = changed_posts(sample_posts, tmp_path / name, lambda row, change=change: {**row, **change})
        summary = one_epoch(table, tmp_path / name / "runs", store)
        assert summary["flips"] == 0
        assert 0 <= summary["test"]["accuracy"]["mean"] <= 1


def test_unusable_pictures_and_long_texts_are_told_once(
    sample_posts: Path, tmp_path: Path, store: FeatureStore, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture at all")

    def change(row: dict[str, Any]) -> dict[str, Any]:
        changes = {"00003": {"file_name": str(broken)}, "00004": {"text": "very long " * 200}}
        return {**row, **changes.get(row["id"], {})}

    table = changed_posts(sample_posts, tmp_path, change)
    config = configured(table, "training.epochs=1")
    run_seeds(config, [0, 1], tmp_path / "runs", store=store)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert (
        captured.err.count("1 of 60 posts have a picture that cannot be used and counts as absent: 00003")
        == 1
    )
    assert captured.err.count(f"`sentipair data check {table}`") == 1
    assert captured.err.count("1 of 60 texts were cut: 00004") == 1
    assert (
        captured.err.count("posts.jsonl (as-given): 60 posts; train 36, validation 12, test 12; positive")
        == 1
    )


def test_nothing_is_extracted_for_data_that_cannot_be_trained_on(sample_posts: Path, tmp_path: Path) -> None:
    table = changed_posts(sample_posts, tmp_path, lambda row: None if row["split"] == "validation" else row)
    with pytest.raises(UserError, match="no validation split"):
        one_epoch(table, tmp_path / "runs", FeatureStore(tmp_path / "features"))
    assert not (tmp_path / "features").exists()
    assert not (tmp_path / "runs").exists()


def test_twins_in_train_and_telling_controls_are_told_and_recorded(
    sample_posts: Path, tmp_path: Path, store: FeatureStore, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = load_dataset(sample_posts)
    twin, original = dataset.splits["test"][0], dataset.split("train").pairs[0]

    def change(row: dict[str, Any]) -> dict[str, Any]:
        text = original.text if row["id"] == twin else row["text"]
        return {**row, "text": text + "!!!" if row["label"] == "positive" else text}

    table = changed_posts(sample_posts, tmp_path, change)
    summary = one_epoch(table, tmp_path / "runs", store)
    told = capsys.readouterr().err
    assert "1 test posts are also in train; scores are given with and without them" in told
    assert "marks alone gives test accuracy" in told
    assert summary["rows"] == {"test": 12, "test_clean": 11}
    folder = tmp_path / "runs" / "seed-0"
    assert evaluate_run(folder, split="test", store=store)["clean"] is not None
    assert json.loads((folder / "result.json").read_text(encoding="utf-8"))["controls"]["marks"]["validation"]


def test_a_model_that_looks_at_its_neighbours_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    warn_of_neighbours({"test": {"flips": {"shuffled": 0.25}}, "validation": {"flips": {"shuffled": 0.0}}})
    err = " ".join(capsys.readouterr().err.split())
    assert err.startswith(
        "warning: on test, up to 25.0 % of the predictions depend on the batch or its padding"
    )
    assert "validation" not in err


def test_a_class_with_one_member_and_fewer_posts_than_a_batch(
    sample_posts: Path, tmp_path: Path, store: FeatureStore
) -> None:
    kept = {"00000", "00001", "00002", "00003", "00040", "00041"}

    def change(row: dict[str, Any]) -> dict[str, Any] | None:
        label = "odd, [one]" if row["id"] == "00000" else "rest"
        return {**row, "label": label} if row["id"] in kept else None

    table = changed_posts(sample_posts, tmp_path, change)
    assert "validation" in one_epoch(table, tmp_path / "runs", store)
    names = pq.read_table(tmp_path / "runs" / "seed-0" / "predictions-validation.parquet").column_names
    assert "p(odd, [one])" in names
