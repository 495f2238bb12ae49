"""The raw rows of a table: CSV, TSV, JSON Lines or Parquet, as they stand in the file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pyarrow import ArrowException

from sentipair.data.text import decode
from sentipair.errors import UserError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")

Row = dict[str, Any]


def read_rows(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """The column names and the rows of a table as they stand, each row with every column.

    CSV and TSV give strings, follow the usual quotation rules, and are decoded by
    ``sentipair.data.text.decode``.

    Raises:
        UserError: no such file, unknown ending, or damaged contents; names the row.
    """
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise UserError(
            f"{path} is no table; use {', '.join(SUFFIXES)} or a folder with metadata.csv or .jsonl"
        )
    if not path.is_file():
        raise UserError(f"no file {path}; check the name")
    if kind == ".parquet":
        return _parquet_rows(path)
    content = decode(path.read_bytes())
    return (
        _json_rows(content, path)
        if kind == ".jsonl"
        else _csv_rows(content, path, "\t" if kind == ".tsv" else ",")
    )


def _csv_rows(content: str, path: Path, delimiter: str) -> tuple[tuple[str, ...], list[Row]]:
    lines = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        header = tuple(name.strip() for name in next(lines, []))
        rows = []
        for number, fields in enumerate((line for line in lines if line), start=1):
            if len(fields) > len(header):
                raise UserError(
                    f"{path.name}, row {number} has {len(fields)} fields, the header {len(header)}; "
                    "put texts that hold the separator in quotation marks"
                )
            rows.append(dict.fromkeys(header, "") | dict(zip(header, fields, strict=False)))
    except csv.Error as error:
        raise UserError(
            f"{path.name}, line {lines.line_num}: {error}; double the quotation marks inside a quoted text"
        ) from error
    return header, rows


def _json_rows(content: str, path: Path) -> tuple[tuple[str, ...], list[Row]]:
    rows: list[Row] = []
    for line in content.split("\n"):  # JSON strings may hold other line separators, such as U+2028
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise UserError(f"{path.name}, row {len(rows) + 1} is no JSON: {error}") from error
            if not isinstance(row, dict):
                raise UserError(f'{path.name}, row {len(rows) + 1} is no JSON object like {{"text": "…"}}')
            rows.append({key: _whole(value) for key, value in row.items()})
    header = tuple(dict.fromkeys(key for row in rows for key in row))
    return header, [dict.fromkeys(header) | row for row in rows]


def _whole(value: Any) -> Any:
    """A string without halves of surrogate pairs, which JSON can hold (a cut emoji) and UTF-8 cannot."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _parquet_rows(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    try:
        table = pq.read_table(path)
    except (ArrowException, OSError) as error:
        raise UserError(
            f"{path} cannot be read as Parquet ({str(error).splitlines()[0]}); export it again"
        ) from error
    return tuple(table.column_names), table.to_pylist()
