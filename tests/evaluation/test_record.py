"""What an evaluation writes down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from sentipair.errors import UserError
from sentipair.evaluation.calibration import describe_calibration, fit_temperature
from sentipair.evaluation.metrics import evaluate_predictions
from sentipair.evaluation.predict import predict
from sentipair.evaluation.record import count_look, record_split, validation_temperature, write_predictions

CLASSES = ("a", "b", "c")


def test_predictions_and_scores_agree(random_table: Any, small_model: Any, tmp_path: Path) -> None:
    table, model = random_table(30), small_model()
    scores = record_split(
        model, table, split="test", classes=CLASSES, folder=tmp_path, temperature=1.0, why="a test"
    )
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


def test_logits_that_differ_decide_where_probabilities_do_not(random_table: Any, tmp_path: Path) -> None:
    logits = torch.tensor([[0.037354, 0.038456041, 0.038456053]])
    probabilities = logits.softmax(-1)[0]
    assert probabilities[1] == probabilities[2]
    table = random_table(1)
    write_predictions(tmp_path / "p", table, logits, classes=CLASSES, clean=np.array([True]))
    row = pq.read_table(tmp_path / "p").to_pylist()[0]
    assert (row["prediction"], row["confidence"]) == ("c", row["p(c)"])


def test_embeddings_are_kept_for_the_test_set_alone(
    random_table: Any, small_model: Any, tmp_path: Path
) -> None:
    table, model = random_table(8), small_model()
    for split in ("validation", "test"):
        record_split(model, table, split=split, classes=CLASSES, folder=tmp_path, temperature=1.0, why="")
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
    scores = record_split(
        small_model(), part, split="test", classes=CLASSES, folder=tmp_path, temperature=1.0, why=""
    )
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
        record_split(
            small_model(), table, split="test", classes=CLASSES, folder=tmp_path, temperature=1.0, why=""
        )
    assert not list(tmp_path.iterdir())  # no look at the test set either


def test_only_looks_at_the_test_set_are_counted(random_table: Any, small_model: Any, tmp_path: Path) -> None:
    for split, looks in (("validation", None), ("test", 1), ("test", 2), ("train", None)):
        scores = record_split(
            small_model(),
            random_table(4),
            split=split,
            classes=CLASSES,
            folder=tmp_path,
            temperature=1.0,
            why="curiosity",
        )
        assert scores["looks"] == looks
    lines = (tmp_path / "test-looks.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["why"] for line in lines] == ["curiosity", "curiosity"]


def test_a_look_is_counted_though_the_log_was_cut_or_lost(
    random_table: Any, small_model: Any, tmp_path: Path
) -> None:
    assert [count_look(tmp_path, why="") for _ in range(2)] == [1, 2]
    log = tmp_path / "test-looks.jsonl"
    log.write_text(log.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    assert count_look(tmp_path, why="") == 3
    log.unlink()
    scores = record_split(
        small_model(),
        random_table(4),
        split="test",
        classes=CLASSES,
        folder=tmp_path,
        temperature=1.0,
        why="again",
        looks=3,
    )
    assert scores["looks"] == 4


def test_calibration_and_slices_are_of_the_labelled_posts(
    random_table: Any, small_model: Any, tmp_path: Path
) -> None:
    table, model = random_table(30), small_model()
    table.labels = table.labels.clone()
    table.labels[24:] = -1
    scores = record_split(
        model, table, split="validation", classes=CLASSES, temperature=2.0, folder=tmp_path, why=""
    )
    logits = predict(model, table).logits[:24].numpy()
    targets = table.labels[:24].numpy()
    assert scores["calibration"] == describe_calibration(logits, targets, temperature=2.0)
    by_class = [row for row in scores["slices"] if row["by"] == "class"]
    support = [row["support"] for row in scores["metrics"]["per_class"]]
    assert [row["count"] for row in by_class] == support
    assert [row["accuracy"] for row in by_class] == pytest.approx(
        [row["recall"] for row in scores["metrics"]["per_class"]]
    )
    assert validation_temperature(model, table) == fit_temperature(logits, targets)


def test_clean_rows_are_scored_apart(random_table: Any, small_model: Any, tmp_path: Path) -> None:
    table, model = random_table(30), small_model()
    table.labels = table.labels.clone()
    table.labels[24:] = -1
    twins = {"3", "4", "5", "28", "not there"}

    def recorded(contaminated: set[str]) -> dict[str, Any]:
        return record_split(
            model,
            table,
            split="test",
            classes=CLASSES,
            temperature=1.0,
            folder=tmp_path,
            why="",
            contaminated=contaminated,
        )

    scores = recorded(twins)
    rows = pq.read_table(tmp_path / "predictions-test.parquet").to_pylist()
    assert [row["id"] for row in rows if not row["clean"]] == ["3", "4", "5", "28"]
    scored = [row for row in rows[:24] if row["clean"]]
    right = [row["prediction"] == row["label"] for row in scored]
    assert scores["clean"]["metrics"]["accuracy"] == pytest.approx(sum(right) / 21)
    assert sum(row["support"] for row in scores["clean"]["metrics"]["per_class"]) == 21
    assert scores["clean"].keys() == {"metrics", "intervals"}
    assert scores["clean"]["intervals"].keys() == scores["intervals"].keys()
    whole = recorded(set())
    assert whole["clean"] is None
    assert whole["metrics"] == scores["metrics"]
    assert recorded({"28"})["clean"] is None  # no labelled row is contaminated
    assert recorded({str(i) for i in range(30)})["clean"] is None  # nothing is left


def test_scores_under_each_condition(random_table: Any, small_model: Any, tmp_path: Path) -> None:
    table = random_table(70)
    model = small_model(fidelity="published")
    for parameter in model.parameters():
        parameter.data *= 4
    scores = record_split(
        model, table, split="test", classes=CLASSES, temperature=1.0, folder=tmp_path, why=""
    )
    assert scores["conditions"].keys() == scores["flips"].keys()
    alone = predict(model, table, batch_size=1).logits.argmax(-1).numpy()
    found = scores["conditions"]["batch size 1"]
    expected = evaluate_predictions(table.labels.numpy(), alone, CLASSES)
    assert found == pytest.approx(
        {
            "accuracy": expected.accuracy,
            "weighted_f1": expected.weighted_f1,
            "macro_f1": expected.macro_f1,
        }
    )
    assert scores["flips"]["batch size 1"] > 0
