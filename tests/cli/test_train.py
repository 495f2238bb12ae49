"""``sentipair train`` and ``evaluate``: own tables in every format, JSON, repeating, rebuilding."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentipair.data import load_dataset
from sentipair.training.recipes import configure, run_name

NAMES = {"positive": "très bien", "neutral": "so, so", "negative": "[bad]"}


@pytest.fixture
def train(sentipair: Any, feature_folder: Path, tmp_path: Path) -> Any:
    """``sentipair train spp-scl --data …`` with one epoch, into ``tmp_path / "runs"``."""

    def run(data: Path, *words: object) -> Any:
        common = ["--features", feature_folder, "--engine", "torch", "--set", "training.epochs=1"]
        output = () if "--output" in words else ("--output", tmp_path / "runs")
        return sentipair("train", "spp-scl", "--data", data, *common, *output, *words)

    return run


def own_table(sample_posts: Path, path: Path) -> Path:
    """The sample with odd class names, in the format of ``path``; a folder gets a ``metadata.jsonl``."""
    rows = [
        {"image": str(pair.image), "text": pair.text, "label": NAMES[str(pair.label)]}
        for pair in load_dataset(sample_posts)
    ]
    if not path.suffix:
        path.mkdir()
        rows = [
            {("file_name" if key == "image" else key): value for key, value in row.items()} for row in rows
        ]
        path /= "metadata.jsonl"
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0], delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path.parent if path.name == "metadata.jsonl" else path


@pytest.mark.parametrize("name", ["my posts.csv", "posts.tsv", "posts.jsonl", "posts.parquet", "folder"])
def test_own_posts_with_any_class_names(train: Any, sample_posts: Path, tmp_path: Path, name: str) -> None:
    result = train(own_table(sample_posts, tmp_path / name), "--json")
    assert result.code == 0, result.err
    summary = result.json
    assert summary["seeds"] == [0]
    assert summary["folder"] == str(tmp_path / "runs")
    assert set(summary["test"]) == {"accuracy", "weighted_f1", "macro_f1"}
    table = pq.read_table(tmp_path / "runs" / "seed-0" / "predictions-test.parquet")
    assert [c for c in table.column_names if c.startswith("p(")] == ["p([bad])", "p(so, so)", "p(très bien)"]
    assert "[bad] " in result.err  # told as it is, not taken for markup
    assert (tmp_path / "runs" / "report.html").exists()


def test_a_summary_for_people(train: Any, sample_posts: Path, tmp_path: Path) -> None:
    result = train(sample_posts, "--seeds", 2)
    assert result.code == 0
    for words in ("seeds 0, 1", "weighted f1", "majority class", str(tmp_path / "runs" / "report.html")):
        assert words in result.out
    assert result.err.count("60 posts; train 36, validation 12, test 12") == 1
    assert result.err.count("the best is epoch 1") == 2

    again = train(sample_posts, "--seeds", 2)
    assert again.out == result.out
    assert again.err == f"every seed in {tmp_path / 'runs'} is finished; nothing is trained\n"


def test_other_settings_in_the_same_folder_are_refused(train: Any, sample_posts: Path) -> None:
    train(sample_posts)
    result = train(sample_posts, "--set", "objective.alpha=0.1")
    assert result.code == 1
    assert "other settings of objective; choose another --output" in result.err
    assert result.err.count("\n") == 1


def test_a_config_rebuilds_its_run(
    train: Any, sentipair: Any, sample_posts: Path, feature_folder: Path, tmp_path: Path
) -> None:
    train(sample_posts, "--set", "seed=3")
    first = tmp_path / "runs" / "seed-3"
    result = sentipair(
        "train", first / "config.yaml", "--output", tmp_path / "other", "--features", feature_folder
    )
    assert result.code == 0, result.err
    again = tmp_path / "other" / "seed-3"
    assert (again / "model.safetensors").read_bytes() == (first / "model.safetensors").read_bytes()
    assert (again / "config.yaml").read_bytes() == (first / "config.yaml").read_bytes()


def test_the_default_folder_tells_configurations_apart(
    train: Any, sample_posts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = configure("spp-scl", str(sample_posts))
    other = configure("spp-scl", str(sample_posts), overrides=["objective.alpha=0.1"])
    assert run_name(one).startswith("spp-scl-posts-")
    assert run_name(one) != run_name(other)
    assert run_name(one) == run_name(one.model_copy(update={"seed": 4}))


def bad(name: str) -> dict[str, Any]:
    rows: dict[str, list[dict[str, str]]] = {
        "no text or picture": [{"words": "x", "label": "a"}],
        "no label": [{"text": "x"}],
        "one class": [{"text": f"post {i}", "label": "a"} for i in range(30)],
        "twice": [{"id": "1", "text": "x", "label": "a"}, {"id": "1", "text": "y", "label": "b"}],
        "no validation": [
            {"text": f"post {i}", "label": "ab"[i % 2], "split": ["train", "test"][i % 3 == 0]}
            for i in range(30)
        ],
        "too few": [{"text": f"post {i}", "label": "ab"[i % 2]} for i in range(3)],
        "unknown split": [{"text": "x", "label": "a", "split": "trian"}],
        "no rows": [],
    }
    return {"rows": rows[name]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("no text or picture", "no column text or image"),
        ("no label", "no column label"),
        ("one class", "all training posts are 'a'"),
        ("twice", "the id '1' is in rows 1 and 2"),
        ("no validation", "no validation split; mark posts for it in the column split"),
        ("too few", "3 posts are too few for three splits"),
        ("unknown split", "split 'trian' is none of"),
        ("no rows", "no rows"),
    ],
)
def test_tables_that_cannot_be_trained_on(train: Any, tmp_path: Path, name: str, expected: str) -> None:
    table = tmp_path / "posts.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in bad(name)["rows"]), encoding="utf-8")
    result = train(table)
    assert result.code == 1
    assert result.out == ""
    assert expected in result.err.splitlines()[-1]
    assert "Traceback" not in result.err
    assert not (tmp_path / "runs").exists()


def test_an_output_that_cannot_be_written(train: Any, sample_posts: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    result = train(sample_posts, "--output", tmp_path / "file" / "runs")
    assert result.code == 1
    assert "cannot write" in result.err.splitlines()[-1]


def test_evaluate(sentipair: Any, finished_run: Path, feature_folder: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "runs"))
    result = sentipair("evaluate", run / "seed-1", "--features", feature_folder, "--json")
    assert result.code == 0, result.err
    assert result.json["looks"] == 2
    assert (result.json["run"], result.json["split"]) == (str(run / "seed-1"), "test")
    for_people = sentipair("evaluate", run / "seed-1", "--features", feature_folder)
    assert "looks at the test set so far: 3" in for_people.out
    assert "predictions changed by shuffled" in for_people.out
    wrong = sentipair("evaluate", run / "seed-1", "--features", feature_folder, "--split", "tset")
    assert (wrong.code, wrong.out) == (1, "")
    assert "no split 'tset'" in wrong.err


def test_the_store_of_a_campaign_is_found_from_its_runs(
    sentipair: Any, finished_run: Path, feature_folder: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished_run / "seed-0", tmp_path / "paper" / "variants" / "full" / "seed-0"))
    shutil.copytree(feature_folder, tmp_path / "features")
    assert sentipair("evaluate", run, "--split", "validation").code == 0
    assert not list((tmp_path / "paper").rglob("features"))


def test_the_store_of_the_environment_is_used(
    sentipair: Any, finished_run: Path, feature_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(finished_run / "seed-0", tmp_path / "spp-scl" / "seed-0"))
    monkeypatch.setenv("SENTIPAIR_FEATURES", str(feature_folder))
    assert sentipair("evaluate", run, "--split", "validation").code == 0
    assert not (tmp_path / "features").exists()


def test_report(sentipair: Any, finished_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "runs"))
    (run / "report.html").unlink()
    result = sentipair("report", run)
    assert result.code == 0
    assert str(run / "report.html") in result.out
    assert (run / "report.html").exists()
