"""What an evaluation writes down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from sentipair.errors import UserError
from sentipair.evaluation.predict import predict
from sentipair.evaluation.record import count_look, record_split

CLASSES = ("a", "b", "c")


def test_predictions_and_scores_agree(random_table: Any, small_model: Any, tmp_path: Path) -> None:
    table, model = random_table(30), small_model()
    scores = record_split(model, table, split="test", classes=CLASSES, folder=tmp_path, why="a test")
    rows = pq.read_table(tmp_path / "predictions-test.parquet").to_pylist()
    probabilities = predict(model, table).logits.softmax(-1)
    for row, pair, expected in zip(rows, table.pairs, probabilities, strict=True):
        assert (row["id"], row["text"], row["image"], row["label"]) == (pair.id, pair.text, None, pair.label)
        assert [row[f"p({name})"] for name in CLASSES] == pytest.approx(expected.tolist(), abs=1e-6)
        assert row["prediction"] == CLASSES[int(expected.argmax())]
        assert row["confidence"] == pytest.approx(float(expected.max()))
    right = [row["prediction"] == row["label"] for row in rows]
    assert scores["metrics"]["accuracy"] == pytest.approx(sum(right) / len(right))
    low, high = scores["intervals"]["accuracy"]
    assert low <= scores["metrics"]["accuracy"] <= high
    assert set(scores["flips"].values()) == {0.0}
    json.dumps(scores)


def test_embeddings_are_kept_for_the_test_set_alone(
    random_table: Any, small_model: Any, tmp_path: Path
) -> None:
    table, model = random_table(8), small_model()
    for split in ("validation", "test"):
        record_split(model, table, split=split, classes=CLASSES, folder=tmp_path, why="")
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == ["embeddings-test.safetensors"]
    kept = load_file(tmp_path / "embeddings-test.safetensors")
    expected = predict(model, table).embeddings()
    assert {name: value.dtype for name, value in kept.items()} == dict.fromkeys(expected, torch.float16)
    assert torch.allclose(kept["fused"].float(), expected["fused"], atol=1e-2)


def test_rows_without_a_label_are_predicted_but_not_scored(
    random_table: Any, small_model: Any, tmp_path: Path
) -> None:
    whole, part = random_table(12), random_table(12)
    part.labels = part.labels.clone()
    part.labels[9:] = -1
    scores = record_split(small_model(), part, split="test", classes=CLASSES, folder=tmp_path, why="")
    assert pq.read_table(tmp_path / "predictions-test.parquet").num_rows == 12
    assert sum(row["support"] for row in scores["metrics"]["per_class"]) == 9
    right = predict(small_model(), whole).logits.argmax(-1)[:9] == whole.labels[:9]
    assert scores["metrics"]["accuracy"] == pytest.approx(float(right.float().mean()))


def test_without_any_label_there_is_nothing_to_score(
    random_table: Any, small_model: Any, tmp_path: Path
) -> None:
    table = random_table(3)
    table.labels = torch.full((3,), -1)
    with pytest.raises(UserError, match="sentipair predict"):
        record_split(small_model(), table, split="test", classes=CLASSES, folder=tmp_path, why="")
    assert not list(tmp_path.iterdir())  # no look at the test set either


def test_only_looks_at_the_test_set_are_counted(random_table: Any, small_model: Any, tmp_path: Path) -> None:
    for split, looks in (("validation", None), ("test", 1), ("test", 2), ("train", None)):
        scores = record_split(
            small_model(), random_table(4), split=split, classes=CLASSES, folder=tmp_path, why="curiosity"
        )
        assert scores["looks"] == looks
    lines = (tmp_path / "test-looks.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["why"] for line in lines] == ["curiosity", "curiosity"]


def test_looks_are_counted_per_split(tmp_path: Path) -> None:
    assert [count_look(tmp_path, split=split, why="") for split in ("test", "other", "test")] == [1, 1, 2]
