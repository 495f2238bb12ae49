"""Evaluating a run on a split and writing down what was found: predictions, scores, intervals, flips, embeddings."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from torch import Tensor

from sentipair.errors import UserError
from sentipair.evaluation.attention import record_attention
from sentipair.evaluation.bootstrap import bootstrap_interval
from sentipair.evaluation.calibration import describe_calibration, fit_temperature
from sentipair.evaluation.invariance import Answers, answers_by_condition, flip_rates
from sentipair.evaluation.metrics import STATISTICS, confusion_matrix, evaluate_predictions, headline
from sentipair.evaluation.predict import Outputs, predict
from sentipair.evaluation.slices import describe_slices
from sentipair.features import FeatureTable
from sentipair.files import atomic_write, sha256, write_text
from sentipair.models import PairModel
from sentipair.tensors import write_tensors

LOOKS = "test-looks.jsonl"


def record_split(
    model: PairModel,
    table: FeatureTable,
    *,
    split: str,
    classes: Sequence[str],
    temperature: float,
    folder: Path,
    why: str,
    contaminated: Collection[str] = (),
    looks: int = 0,
) -> dict[str, Any]:
    """Evaluate ``model`` on ``table`` and write predictions and, for the test set, embeddings into ``folder``.

    Args:
        model: the trained model.
        table: the pairs of the split.
        split: its name.
        classes: class names in the order of the logits.
        temperature: fitted on validation data, see ``validation_temperature``.
        folder: of the run.
        why: for the log of looks at the test set.
        contaminated: ids of pairs that are also in the training split.
        looks: how many at the test set are known already, should the log have been lost.

    Returns:
        Scores with bootstrap intervals; the same over the clean rows (None where all are clean, or none); flip rates
        and scores under the conditions of ``answers_by_condition``; the number of looks so far; calibration; slices;
        the digest of the file with the predictions.

    Raises:
        UserError: no pair has a label.
    """
    labelled = table.labels >= 0
    if not bool(labelled.any()):
        raise UserError(
            f"no pair of the {split} split has a label; `sentipair predict` scores unlabelled posts"
        )
    counted = max(count_look(folder, why=why), looks + 1) if split == "test" else None
    outputs = predict(model, table)
    rows = labelled.numpy()
    targets = table.labels.numpy()
    answers = outputs.logits.argmax(-1).numpy()
    clean = np.array([pair.id not in contaminated for pair in table.pairs])
    written = folder / f"predictions-{split}.parquet"
    write_predictions(written, table, outputs.logits, classes=classes, clean=clean)
    if split == "test":
        write_embeddings(folder / "embeddings-test.safetensors", outputs)
        probabilities = outputs.logits.softmax(-1).numpy()
        record_attention(folder / "attention-test.json", model, table, probabilities=probabilities)
    by_condition = answers_by_condition(model, table)
    partly = bool(clean[rows].any() and not clean[rows].all())
    return {
        **score(targets[rows], answers[rows], classes),
        "clean": score(targets[rows & clean], answers[rows & clean], classes) if partly else None,
        "flips": flip_rates(answers, by_condition),
        "conditions": {
            name: _mean_scores(targets[rows], [each[rows] for each in found], len(classes))
            for name, found in by_condition.items()
        },
        "looks": counted,
        "calibration": describe_calibration(
            outputs.logits[labelled].numpy(), targets[rows], temperature=temperature
        ),
        "slices": describe_slices(
            model, table, predictions=answers, classes=classes, temperature=temperature
        ),
        "digest": sha256(written.read_bytes()),
    }


def validation_temperature(model: PairModel, table: FeatureTable) -> float:
    """The temperature of ``model``, fitted on the labelled pairs of the validation split, at least one."""
    labelled = table.labels >= 0
    logits = predict(model, table).logits[labelled]
    return fit_temperature(logits.numpy(), table.labels[labelled].numpy())


def score(targets: Answers, predictions: Answers, classes: Sequence[str]) -> dict[str, Any]:
    """``metrics`` of ``predictions`` [N] and bootstrap ``intervals`` of the headline numbers."""
    return {
        "metrics": evaluate_predictions(targets, predictions, classes).to_dict(),
        "intervals": {
            name: bootstrap_interval(targets, predictions, num_classes=len(classes), statistic=name)
            for name in headline(len(classes))
        },
    }


def write_predictions(
    path: Path, table: FeatureTable, logits: Tensor, *, classes: Sequence[str], clean: NDArray[np.bool_]
) -> None:
    """One row per pair: id, text, picture, label, prediction, confidence, a probability per class, and ``clean``.

    A row that is not clean [n] is also in the training split.
    """
    probabilities = logits.softmax(-1)
    predicted = logits.argmax(-1)  # as the scores have it: logits that differ can have equal probabilities
    columns: dict[str, list[Any]] = {
        "id": [pair.id for pair in table.pairs],
        "text": [pair.text for pair in table.pairs],
        "image": [None if pair.image is None else str(Path(pair.image).absolute()) for pair in table.pairs],
        "label": [pair.label for pair in table.pairs],
        "prediction": [classes[i] for i in predicted.tolist()],
        "confidence": probabilities.amax(-1).tolist(),
    }
    columns |= {f"p({name})": probabilities[:, i].tolist() for i, name in enumerate(classes)}
    columns["clean"] = clean.tolist()
    types = dict.fromkeys(("id", "text", "image", "label", "prediction"), pa.string()) | {"clean": pa.bool_()}
    schema = pa.schema([(name, types.get(name, pa.float32())) for name in columns])
    with atomic_write(path) as file:
        pq.write_table(pa.table(columns, schema=schema), file)


def write_embeddings(path: Path, outputs: Outputs) -> None:
    """The embeddings of all pairs in half precision, in the order of the predictions."""
    tensors = {name: value.half() for name, value in outputs.embeddings().items()}
    if tensors:
        write_tensors(path, tensors)


def count_look(folder: Path, *, why: str) -> int:
    """Append a look at the test set to the run's log; returns how many lines there are."""
    path = folder / LOOKS
    past = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    entry = {"split": "test", "why": why, "at": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
    lines = [*past, json.dumps(entry)]
    write_text(path, "\n".join(lines) + "\n")
    return len(lines)


def _mean_scores(targets: Answers, found: Sequence[Answers], num_classes: int) -> Mapping[str, float]:
    confusions = np.stack([confusion_matrix(targets, answers, num_classes) for answers in found])
    return {name: float(STATISTICS[name](confusions).mean()) for name in headline(num_classes)}
