"""Reading a run folder for a report: whatever is there, in the form the report shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from sentipair.errors import UserError
from sentipair.files import sha256
from sentipair.runs import RESULT, damaged, read_json

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One scored post; ``label`` is None where nobody gave one; not ``clean`` if it is also in training."""

    id: str
    text: str
    image: str | None
    label: str | None
    prediction: str
    probabilities: tuple[float, ...]
    clean: bool = True

    @property
    def confidence(self) -> float:
        """The largest probability."""
        return max(self.probabilities)

    def cooled(self, temperature: float) -> Prediction:
        """The same with the probabilities of the logits divided by ``temperature``, those of ``sentipair predict``."""
        powers = [share ** (1 / temperature) for share in self.probabilities]
        return replace(self, probabilities=tuple(power / sum(powers) for power in powers))

    @property
    def is_wrong(self) -> bool:
        """Whether there is a label and it is not the predicted one."""
        return self.label is not None and self.label != self.prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """The posts of one split, in the order of the file, and the classes in the order of the probabilities."""

    classes: tuple[str, ...]
    rows: tuple[Prediction, ...]

    def cooled(self, temperature: float) -> Predictions:
        """See ``Prediction.cooled``."""
        return replace(self, rows=tuple(row.cooled(temperature) for row in self.rows))

    def label_indices(self) -> NDArray[np.int64]:
        """Class index of each label [N], −1 without one."""
        index = {name: place for place, name in enumerate(self.classes)}
        return np.array([-1 if row.label is None else index[row.label] for row in self.rows], dtype=np.int64)

    def clean_rows(self) -> NDArray[np.bool_]:
        """Which posts are clean [N]."""
        return np.array([row.clean for row in self.rows], dtype=np.bool_)

    def prediction_indices(self) -> NDArray[np.int64]:
        """Class index of each prediction [N]."""
        return np.array([self.classes.index(row.prediction) for row in self.rows], dtype=np.int64)


@dataclass(frozen=True)
class SeedRun:
    """One training run on disk. A file that is not there reads as empty or None: a run may be unfinished."""

    folder: Path

    @cached_property
    def config_text(self) -> str:
        """``config.yaml`` as written."""
        return _read_text(self.folder / "config.yaml")

    @cached_property
    def config(self) -> Json:
        """``config.yaml`` parsed."""
        try:
            parsed = yaml.safe_load(self.config_text)
        except yaml.YAMLError as error:
            raise damaged(self.folder / "config.yaml") from error
        return parsed if isinstance(parsed, dict) else {}

    @cached_property
    def history(self) -> list[Json]:
        """The epochs of ``metrics.jsonl``; a line that a kill cut off at the end is left out."""
        path = self.folder / "metrics.jsonl"
        *whole, last = _read_text(path).rstrip().split("\n")
        try:
            epochs = [json.loads(line) for line in whole]
        except ValueError as error:
            raise damaged(path) from error
        with suppress(ValueError):
            epochs.append(json.loads(last))
        return epochs

    @cached_property
    def result(self) -> Json:
        """``result.json``."""
        return read_json(self.folder / RESULT)

    @cached_property
    def environment(self) -> Json:
        """``environment.json``."""
        return read_json(self.folder / "environment.json")

    @property
    def splits(self) -> Mapping[str, Json]:
        """Split name → its part of ``result.json``, the test first."""
        found = self.result.get("splits", {})
        return {name: found[name] for name in sorted(found, key=lambda name: name != "test")}

    def calibrated(self, split: str) -> Predictions | None:
        """``predictions`` as sure as ``sentipair predict`` is."""
        found = self.predictions(split)
        return found and found.cooled(self.result.get("temperature", 1.0))

    def predictions(self, split: str) -> Predictions | None:
        """``predictions-{split}.parquet``; None where there is none and no scores of it either.

        Raises:
            UserError: the file is missing, or not the one that was written when the run was evaluated.
        """
        path = self.folder / f"predictions-{split}.parquet"
        remedy = f"run `sentipair evaluate {self.folder} --split {split}`"
        if not path.is_file():
            if split in self.splits:
                raise UserError(f"{path.name} is missing in {self.folder}; {remedy}")
            return None
        written = self.splits.get(split, {}).get("digest")  # older runs know none
        if written and sha256(path.read_bytes()) != written:
            raise UserError(f"{path.name} in {self.folder} was altered since it was written; {remedy}")
        return _read_predictions(path)

    def embeddings(self, stage: str) -> Mapping[str, NDArray[Any]]:
        """``{stage}-test.safetensors``: any of image [N, D], text [N, D] and fused [N, F]."""
        path = self.folder / f"{stage}-test.safetensors"
        try:
            return load_file(path) if path.is_file() else {}
        except SafetensorError as error:
            raise damaged(path) from error


def average_predictions(models: Sequence[Predictions]) -> Predictions:
    """The posts of several seeds with their probabilities averaged; posts that a seed lacks are left out."""
    by_id = [{row.id: row for row in model.rows} for model in models]
    classes = models[0].classes
    rows = []
    for row in models[0].rows:
        if not all(row.id in known for known in by_id):
            continue
        mean = np.mean([known[row.id].probabilities for known in by_id], axis=0)
        rows.append(
            Prediction(
                id=row.id,
                text=row.text,
                image=row.image,
                label=row.label,
                prediction=classes[int(mean.argmax())],
                probabilities=tuple(mean.tolist()),
                clean=row.clean,
            )
        )
    return Predictions(classes=classes, rows=tuple(rows))


def _read_predictions(path: Path) -> Predictions:
    try:
        table = pq.read_table(path)
    except (OSError, ValueError) as error:
        raise damaged(path) from error
    if not {"id", "text", "image", "label", "prediction"} <= set(table.column_names):
        raise damaged(path)
    columns = [name for name in table.column_names if name.startswith("p(") and name.endswith(")")]
    try:
        rows = tuple(
            Prediction(
                id=str(row["id"]),
                text=row["text"] or "",
                image=row["image"],
                label=row["label"],
                prediction=row["prediction"],
                probabilities=tuple(float(row[name]) for name in columns),
                clean=row.get("clean", True),
            )
            for row in table.to_pylist()
        )
    except TypeError as error:  # no number
        raise damaged(path) from error
    return Predictions(classes=tuple(name[2:-1] for name in columns), rows=rows)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise damaged(path) from error
