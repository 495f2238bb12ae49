"""Scoring a table of posts into another table; the person's columns stay, nothing is lost in silence."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from sentipair.data.pair import Pair
from sentipair.data.rows import read_rows
from sentipair.errors import UserError
from sentipair.files import atomic_write, write_text
from sentipair.inference.predictor import Prediction, Predictor
from sentipair.progress import track

CHUNK = 256
OUTPUTS = (".parquet", ".csv", ".jsonl")


@dataclass(frozen=True, kw_only=True)
class ScoringReport:
    """What came of scoring a table.

    Attributes:
        counts: class name → rows.
        left_out: row number (from 1) → why it could not be scored.
        without_picture: row number → why only the text was used.
    """

    counts: dict[str, int]
    left_out: dict[int, str]
    without_picture: dict[int, str]


def score_table(predictor: Predictor, source: Path, output: Path) -> ScoringReport:
    """Score every row of ``source`` and write all its columns, ``prediction``, ``confidence`` and ``p(class)`` columns.

    Rows with neither a text nor a picture file are left out and listed in ``<output>.errors.csv``; rows whose picture
    cannot be used are scored by their text and listed there as well.

    Raises:
        UserError: the table cannot be read, has neither column, or ``output`` has an unknown ending.
    """
    if output.suffix not in OUTPUTS:
        raise UserError(f"cannot write {output.name}: name the output .parquet, .csv or .jsonl")
    columns, rows = read_rows(source)
    base = (source if source.is_dir() else source.parent).absolute()
    picture_column = next((name for name in ("image", "file_name") if name in columns), None)
    if picture_column is None and "text" not in columns:
        raise UserError(f"{source} has neither an image nor a text column (it has: {', '.join(columns)})")
    left_out: dict[int, str] = {}
    without: dict[int, str] = {}
    pairs: dict[int, Pair] = {}
    for number, row in enumerate(rows, start=1):
        text = str(row.get("text") or "").strip()
        name = str(row.get(picture_column) or "").strip() if picture_column else ""
        path = base / name if name else None
        if path is not None and not path.is_file():
            without[number] = f"no picture at {path}"
            path = None
        if path is None and not text:
            left_out[number] = without.pop(number, "neither a text nor a picture")
            continue
        pairs[number] = Pair(id=str(number), text=text, image=path)
    predictions: dict[int, Prediction] = {}
    for chunk in track(list(_chunks(list(pairs), CHUNK)), "scoring"):
        for number, prediction in zip(chunk, predictor.score([pairs[n] for n in chunk]), strict=True):
            if prediction.note and not pairs[number].text:
                left_out[number] = f"picture not usable: {prediction.note}"
                continue
            if prediction.note:
                without[number] = f"picture not usable: {prediction.note}"
            predictions[number] = prediction
    scored = [{**rows[number - 1], **_as_columns(prediction)} for number, prediction in predictions.items()]
    write_table(output, scored)
    problems = {**without, **left_out}
    if problems:
        write_problems(problems_path(output), problems, left_out)
    counts = Counter(prediction.label for prediction in predictions.values())
    return ScoringReport(
        counts={name: counts[name] for name in predictor.config.classes},
        left_out=left_out,
        without_picture=without,
    )


def problems_path(output: Path) -> Path:
    """Where the rows with a problem are listed."""
    return output.with_suffix(".errors.csv")


def write_problems(path: Path, problems: dict[int, str], left_out: dict[int, str]) -> None:
    """One line per row with a problem: its number, what was done, and why."""
    with atomic_write(path, "w") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "outcome", "reason"))
        for number, reason in sorted(problems.items()):
            writer.writerow((number, "left out" if number in left_out else "scored by its text", reason))


def write_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as .parquet, .csv or .jsonl, whole or not at all."""
    if path.suffix == ".jsonl":
        import json

        write_text(path, "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows))
        return
    table = pa.Table.from_pylist([dict(row) for row in rows])
    with atomic_write(path) as file:
        pq.write_table(table, file) if path.suffix == ".parquet" else pacsv.write_csv(table, file)


def _as_columns(prediction: Prediction) -> dict[str, Any]:
    probabilities = {f"p({name})": round(p, 6) for name, p in prediction.probabilities.items()}
    return {"prediction": prediction.label, "confidence": max(probabilities.values()), **probabilities}


def _chunks(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (numbers[start : start + size] for start in range(0, len(numbers), size))
