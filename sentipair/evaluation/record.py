"""Evaluating a run on a split and writing down what was found: predictions, scores, intervals, flips, embeddings."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.torch import save
from torch import Tensor

from sentipair.errors import UserError
from sentipair.evaluation.bootstrap import bootstrap_interval
from sentipair.evaluation.invariance import flip_rates
from sentipair.evaluation.metrics import STATISTICS, evaluate_predictions
from sentipair.evaluation.predict import Outputs, predict
from sentipair.features import FeatureTable
from sentipair.files import atomic_write, write_text
from sentipair.models import PairModel

LOOKS = "test-looks.jsonl"


def record_split(
    model: PairModel, table: FeatureTable, *, split: str, classes: Sequence[str], folder: Path, why: str
) -> dict[str, Any]:
    """Evaluate ``model`` on ``table`` and write predictions and, for the test set, embeddings into ``folder``.

    Args:
        model: the trained model.
        table: the pairs of the split.
        split: its name.
        classes: class names in the order of the logits.
        folder: of the run.
        why: for the log of looks at the test set.

    Returns:
        Scores with bootstrap intervals, flip rates and the number of looks so far.

    Raises:
        UserError: no pair has a label.
    """
    labelled = table.labels >= 0
    if not bool(labelled.any()):
        raise UserError(
            f"no pair of the {split} split has a label; `sentipair predict` scores unlabelled posts"
        )
    looks = count_look(folder, split=split, why=why) if split == "test" else None
    outputs = predict(model, table)
    targets = table.labels[labelled].numpy()
    predictions = outputs.logits.argmax(-1)[labelled].numpy()
    write_predictions(folder / f"predictions-{split}.parquet", table, outputs.logits, classes=classes)
    if split == "test":
        write_embeddings(folder / "embeddings-test.safetensors", outputs)
    return {
        "metrics": evaluate_predictions(targets, predictions, classes).to_dict(),
        "intervals": {
            name: bootstrap_interval(targets, predictions, num_classes=len(classes), statistic=name)
            for name in STATISTICS
        },
        "flips": flip_rates(model, table),
        "looks": looks,
    }


def write_predictions(path: Path, table: FeatureTable, logits: Tensor, *, classes: Sequence[str]) -> None:
    """One row per pair: id, text, picture, label, prediction, confidence and a probability per class."""
    probabilities = logits.softmax(-1)
    confidence, predicted = probabilities.max(-1)
    columns: dict[str, list[Any]] = {
        "id": [pair.id for pair in table.pairs],
        "text": [pair.text for pair in table.pairs],
        "image": [None if pair.image is None else str(Path(pair.image).absolute()) for pair in table.pairs],
        "label": [pair.label for pair in table.pairs],
        "prediction": [classes[i] for i in predicted.tolist()],
        "confidence": confidence.tolist(),
    }
    columns |= {f"p({name})": probabilities[:, i].tolist() for i, name in enumerate(classes)}
    strings = ("id", "text", "image", "label", "prediction")
    schema = pa.schema([(name, pa.string() if name in strings else pa.float32()) for name in columns])
    with atomic_write(path) as file:
        pq.write_table(pa.table(columns, schema=schema), file)


def write_embeddings(path: Path, outputs: Outputs) -> None:
    """The embeddings of all pairs in half precision, in the order of the predictions."""
    tensors = {name: value.half().contiguous() for name, value in outputs.embeddings().items()}
    if tensors:
        with atomic_write(path) as file:
            file.write(save(tensors))


def count_look(folder: Path, *, split: str, why: str) -> int:
    """Append a look at held-out data to the run's log; returns how many there have been at this split."""
    path = folder / LOOKS
    past = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    entry = {"split": split, "why": why, "at": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
    lines = [*past, json.dumps(entry)]
    write_text(path, "\n".join(lines) + "\n")
    return sum(json.loads(line)["split"] == split for line in lines)
