"""Writing a scored table: the columns that were there as they were, the new ones behind them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sentipair.data.rows import Row
from sentipair.errors import UserError
from sentipair.files import atomic_write, write_text

OUTPUTS = (".parquet", ".csv", ".jsonl")


def check_output(output: Path, table: Path) -> None:
    """Refuse an output that cannot be written before anything is computed for it.

    Raises:
        UserError: an unknown ending, or ``output`` is the ``table`` itself.
    """
    if output.suffix.lower() not in OUTPUTS:
        raise UserError(
            f"cannot write {output.name}: name the output {', '.join(OUTPUTS[:-1])} or {OUTPUTS[-1]}"
        )
    if output.absolute() == table.absolute():
        raise UserError(f"{output} is the table to be scored; choose another --output")


def write_scored(
    output: Path,
    *,
    table: Path,
    columns: Sequence[str],
    rows: Sequence[Row],
    added: Mapping[int, Row],
) -> None:
    """Write the scored rows in their order, whole or not at all.

    Args:
        output: ``.parquet``, ``.csv`` or ``.jsonl``. From Parquet to Parquet the columns keep their types.
        table: where the rows were read from.
        columns: old and new.
        rows: all rows of the table.
        added: row number, from 1 → values of the new columns; other rows are left out.
    """
    kind = output.suffix.lower()
    if kind == ".parquet":
        with atomic_write(output) as file:
            pq.write_table(_arrow_table(table, columns, rows, added), file)
        return
    scored = [{**rows[number - 1], **values} for number, values in added.items()]
    if kind == ".jsonl":
        lines = (json.dumps(row, ensure_ascii=False, default=str) for row in scored)
        write_text(output, "".join(f"{line}\n" for line in lines))
    else:
        _write_csv(output, columns, [[_as_text(row[name]) for name in columns] for row in scored])


def problems_path(output: Path) -> Path:
    """Where the rows with a problem are listed."""
    return output.with_suffix(".errors.csv")


def write_problems(output: Path, *, left_out: Mapping[int, str], without_picture: Mapping[int, str]) -> None:
    """List rows with a problem beside ``output``: number, what was done, and why; no list where there is none."""
    outcomes = [(number, "left out", reason) for number, reason in left_out.items()]
    outcomes += [(number, "scored by its text", reason) for number, reason in without_picture.items()]
    if outcomes:
        _write_csv(problems_path(output), ("row", "outcome", "reason"), sorted(outcomes))
    else:
        problems_path(output).unlink(missing_ok=True)  # of an earlier scoring


def _arrow_table(
    table: Path, columns: Sequence[str], rows: Sequence[Row], added: Mapping[int, Row]
) -> pa.Table:
    kept = [number - 1 for number in added]
    if table.suffix.lower() == ".parquet":
        old = pq.read_table(table).take(pa.array(kept, pa.int64()))
        arrays = dict(zip(old.column_names, old.columns, strict=True))
    else:
        names = rows[0].keys()
        arrays = {name: _arrow_array([rows[i][name] for i in kept]) for name in names}
    for name in columns[len(arrays) :]:
        kind = pa.string() if name == "prediction" else pa.float64()
        arrays[name] = pa.array([values[name] for values in added.values()], kind)
    return pa.table(arrays)


def _arrow_array(values: Sequence[Any]) -> pa.Array:
    """A column of one type; values of mixed types become JSON."""
    try:
        return pa.array(values)
    except pa.ArrowException:
        return pa.array(
            [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
        )


def _write_csv(path: Path, header: Sequence[str], lines: Sequence[Sequence[Any]]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    write_text(path, buffer.getvalue())


def _as_text(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value
