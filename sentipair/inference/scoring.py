"""Scoring a table of posts into another table; the person's columns stay, nothing is lost in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentipair.data.pair import Pair
from sentipair.data.rows import SUFFIXES, Row, read_rows
from sentipair.errors import UserError
from sentipair.inference import Prediction, Predictor
from sentipair.inference.writing import check_output, write_problems, write_scored
from sentipair.progress import track

CHUNK = 256
"""Posts that are scored at a time, to bound the memory."""


@dataclass(frozen=True, kw_only=True)
class ScoringReport:
    """What came of scoring a table. Rows are numbered from 1, after the header.

    Attributes:
        counts: class name → rows.
        left_out: row → why it could not be scored.
        without_picture: row → why only the text was used, for rows that name a picture.
        truncated: row → how far its text was cut.
    """

    counts: dict[str, int]
    left_out: dict[int, str]
    without_picture: dict[int, str]
    truncated: dict[int, str]

    @property
    def has_problems(self) -> bool:
        """Whether there is a list of problems beside the output."""
        return bool(self.left_out or self.without_picture)


def score_table(predictor: Predictor, source: Path, output: Path) -> ScoringReport:
    """Score every row of ``source`` and write all its columns, ``prediction``, ``confidence`` and ``p(class)`` columns.

    Rows without a text whose picture is absent or cannot be used are left out and listed in ``<output>.errors.csv``;
    rows that name a picture but are scored by their text alone are listed there as well.

    Args:
        predictor: a trained model.
        source: a table, or a folder with ``metadata.csv`` or the like; pictures are looked for relative to it.
        output: ``.parquet``, ``.csv`` or ``.jsonl``; replaced if it exists.

    Raises:
        UserError: the table cannot be read, is empty, has neither column or has one of the new columns already; or
            ``output`` has an unknown ending or is the table itself.
    """
    table = _table_file(Path(source))
    check_output(Path(output), table)
    columns, rows = read_rows(table)
    new = _new_columns(predictor.config.classes)
    taken = [name for name in new if name in columns]
    if taken:
        raise UserError(
            f"{table.name} has a column {taken[0]} already; rename it, so that it is not overwritten"
        )
    if not rows:
        raise UserError(f"{table.name} has no rows; add at least one post")
    pairs, left_out, without = find_pairs(rows, _known_columns(columns, table), table.absolute().parent)
    truncated: dict[int, str] = {}
    predictions: dict[int, Prediction] = {}
    numbers = list(pairs)
    chunks = [numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK)]
    for chunk in track(chunks, "scoring"):
        for number, prediction in zip(chunk, predictor.predict([pairs[n] for n in chunk]), strict=True):
            if prediction.unusable and not pairs[number].text.strip():
                left_out[number] = f"picture cannot be used: {prediction.unusable}"
                continue
            if prediction.unusable:
                without[number] = f"picture cannot be used: {prediction.unusable}"
            if prediction.truncated:
                truncated[number] = prediction.truncated
            predictions[number] = prediction
    added = {
        number: dict(zip(new, _values(prediction), strict=True)) for number, prediction in predictions.items()
    }
    write_scored(Path(output), table=table, columns=(*columns, *new), rows=rows, added=added)
    write_problems(Path(output), left_out=left_out, without_picture=without)
    counts = Counter(prediction.label for prediction in predictions.values())
    return ScoringReport(
        counts={name: counts[name] for name in predictor.config.classes},
        left_out=dict(sorted(left_out.items())),
        without_picture=dict(sorted(without.items())),
        truncated=truncated,
    )


def find_pairs(
    rows: Sequence[Row], names: Mapping[str, str], base: Path
) -> tuple[dict[int, Pair], dict[int, str], dict[int, str]]:
    """The rows as posts by number, and the reasons why rows are left out or have no picture.

    Args:
        rows: as they stand in the table.
        names: ``text`` and ``image`` → the column that holds it.
        base: the folder that pictures are looked for in.
    """
    pairs: dict[int, Pair] = {}
    left_out: dict[int, str] = {}
    without: dict[int, str] = {}
    for number, row in enumerate(rows, start=1):
        text, name = (_cell(row, names.get(key)) for key in ("text", "image"))
        path = base / name.strip() if name.strip() else None
        if path is not None and not path.is_file():
            without[number] = f"no picture at {path}"
            path = None
        if path is None and not text.strip():
            left_out[number] = without.pop(number, "neither a text nor a picture")
        else:
            pairs[number] = Pair(id=str(number), text=text, image=path)
    return pairs, left_out, without


def _table_file(source: Path) -> Path:
    candidates = (source / f"metadata{suffix}" for suffix in SUFFIXES)
    return next((path for path in candidates if path.is_file()), source)


def _known_columns(columns: Sequence[str], table: Path) -> dict[str, str]:
    by_name = {name.strip().lower(): name for name in columns}
    wanted = {"text": ("text",), "image": ("image", "file_name")}
    found = {key: by_name[name] for key, names in wanted.items() for name in names if name in by_name}
    if not found:
        raise UserError(f"{table.name} has neither a column image nor text (it has: {', '.join(columns)})")
    return found


def _cell(row: Row, name: str | None) -> str:
    value = row.get(name) if name else None
    return "" if value is None or value != value else str(value)  # NaN is not equal to itself


def _new_columns(classes: Sequence[str]) -> tuple[str, ...]:
    return ("prediction", "confidence", *(f"p({name})" for name in classes))


def _values(prediction: Prediction) -> tuple[Any, ...]:
    probabilities = [round(p, 6) for p in prediction.probabilities.values()]
    return (prediction.label, max(probabilities), *probabilities)
