"""The raw rows of a table: CSV, TSV, JSON Lines or Parquet, as they stand in the file."""

from __future__ import annotations

import codecs
import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sentipair.data.text import STRETCHES, undo_mojibake, whole_characters
from sentipair.errors import UserError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")

PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".jfif", ".avif")
"""How the names of pictures end."""

ROWS = 256
"""Rows of a Parquet file that are in memory at a time."""

LONGEST_FIELD = 10_000_000
"""Characters of a field of CSV or TSV, so that a quotation mark that is never closed does not fill the memory."""

NAMED = {",": "a comma", ";": "a semicolon", "\t": "a tab"}

Row = dict[str, Any]


def read_rows(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """The column names and all rows of a table, each row with every column.

    Raises:
        UserError: as ``open_rows``.
    """
    columns, rows = open_rows(path)
    found = list(rows)
    columns = columns or tuple(dict.fromkeys(key for row in found for key in row))
    return columns, [dict.fromkeys(columns) | row for row in found]


def open_rows(path: Path) -> tuple[tuple[str, ...], Iterator[Row]]:
    """The column names of a table and its rows as they stand, read when they are asked for.

    CSV (with commas, or semicolons if these prevail in its first line) and TSV give strings, follow the usual quotation
    rules, and are decoded like ``sentipair.data.text.decode``. JSON Lines name no columns beforehand, and each row has
    only its own.

    Raises:
        UserError: no such file, unknown ending, two columns of one name, or damaged contents (also while rows are
            read); names the row.
    """
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise UserError(
            f"{path} is no table; use {', '.join(SUFFIXES)} or a folder with metadata.csv or .jsonl"
        )
    if not path.is_file():
        raise UserError(f"no file {path}; check the name")
    if kind == ".parquet":
        file = open_parquet(path)
        columns: tuple[str, ...] = tuple(file.schema_arrow.names)
        rows: Iterator[Row] = (row for batch in read_batches(file, path) for row in plain_rows(batch, path))
    elif kind == ".jsonl":
        columns, rows = (), _json_rows(path)
    else:
        columns, rows = _csv_rows(path, "\t" if kind == ".tsv" else _separator(path))
    if twice := [name for name, count in Counter(columns).items() if name and count > 1]:
        raise UserError(f"{path.name} has more than one column {twice[0]}; rename or remove one")
    return columns, rows


def no_image_column(columns: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """A line for a table without a column image in which one of ``columns`` seems to be it."""
    for column in columns:
        if any(str(row.get(column)).strip().lower().endswith(PICTURES) for row in rows):
            return [
                f"no column image, so all posts are without a picture; if {column} has them, call it image"
            ]
    return []


def lines_not_utf8(path: Path) -> int:
    """How many lines of a table of text are neither UTF-8 nor, by their mark, UTF-16; 0 for Parquet."""
    if path.suffix.lower() == ".parquet":
        return 0
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return 0
        file.seek(0)
        return sum(not _is_utf8(line) for line in file)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def open_parquet(path: Path) -> pq.ParquetFile:
    """A Parquet file.

    Raises:
        UserError: it is none.
    """
    with _readable(path):
        return pq.ParquetFile(path, pre_buffer=False)


def read_batches(file: pq.ParquetFile, path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of an open Parquet file, up to ``ROWS`` at a time.

    Raises:
        UserError: it is damaged.
    """
    with _readable(path):
        yield from file.iter_batches(batch_size=ROWS)


def plain_rows(batch: pa.RecordBatch | pa.Table, path: Path) -> list[Row]:
    """Rows of a Parquet file as Python has them.

    Raises:
        UserError: Python has no such value.
    """
    with _readable(path):
        return batch.to_pylist()  # type: ignore[no-any-return]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, OverflowError, ValueError) as error:  # a date after the year 9999
        raise UserError(
            f"{path} cannot be read as Parquet ({str(error).splitlines()[0]}); export it again"
        ) from error


def read_records(path: Path) -> list[list[str]]:
    """The fields of every row of a TSV that has no header.

    Raises:
        UserError: quotation marks do not match.
    """
    return [fields for _, fields in _csv_fields(path, "\t") if fields]


def _csv_rows(path: Path, delimiter: str) -> tuple[tuple[str, ...], Iterator[Row]]:
    rows = _csv_fields(path, delimiter)
    _, fields = next(rows, (0, []))
    header = tuple(name.strip() for name in fields)

    def read() -> Iterator[Row]:
        for number, fields in rows:
            if len(fields) > len(header):
                raise UserError(
                    f"{path.name}, row {number} has {len(fields)} fields, the header {len(header)}; "
                    f"put texts that hold {NAMED[delimiter]} in quotation marks"
                )
            yield dict.fromkeys(header, "") | dict(zip(header, fields, strict=False))

    return header, read()


def _separator(path: Path) -> str:
    """Of a CSV file: the comma, or the semicolon of spreadsheets in whose language the comma is in numbers."""
    first = next(_lines(path, newline=""), "")
    return ";" if first.count(";") > first.count(",") else ","


def _is_unquoted(path: Path) -> bool:
    """Whether the quotation marks of a TSV belong to its texts, as in ``"Hello" she said``: many programs write so.

    Every line is a row then; read by the rules of quotation several would become one, or the reading would fail.
    """
    count, tabs = 0, set()
    for line in _lines(path, newline=""):
        if stripped := line.rstrip("\r\n"):
            count += 1
            tabs.add(stripped.count("\t"))
    if len(tabs) != 1 or tabs == {0}:  # of a single column every line looks like a row
        return False
    try:
        quoted = csv.reader(_lines(path, newline=""), delimiter="\t", strict=True)
        return sum(1 for row in quoted if row) < count
    except csv.Error:
        return True


def _csv_fields(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The fields of every row that is not empty, by number; the first, whatever it holds, is 0: the header."""
    csv.field_size_limit(LONGEST_FIELD)
    unquoted = delimiter == "\t" and _is_unquoted(path)
    lines = csv.reader(
        _lines(path, newline=""),
        delimiter=delimiter,
        strict=True,
        quoting=csv.QUOTE_NONE if unquoted else csv.QUOTE_MINIMAL,
    )
    try:
        yield 0, next(lines, [])
        yield from enumerate((line for line in lines if line), start=1)
    except csv.Error as error:
        raise UserError(
            f"{path.name}, line {lines.line_num}: {error}; double the quotation marks inside a quoted text"
        ) from error


def _json_rows(path: Path) -> Iterator[Row]:
    # JSON strings may hold other line separators, such as U+2028
    lines = (line for line in _lines(path, newline="\n") if line.strip())
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path.name}, row {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise UserError(f'{path.name}, row {number} is no JSON object like {{"text": "…"}}')
        yield {_whole(key): _whole(value) for key, value in row.items()}


def _lines(path: Path, *, newline: str) -> Iterator[str]:
    """The decoded lines of a file; ``newline`` as in ``open``."""
    with path.open("rb") as file:
        marked = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    encoding, errors = ("utf-16", "replace") if marked else ("utf-8-sig", STRETCHES)
    with path.open(encoding=encoding, errors=errors, newline=newline) as text:
        yield from map(undo_mojibake, text)


def _whole(value: Any) -> Any:
    """A value in which all strings, at any depth, are of ``whole_characters``."""
    if isinstance(value, str):
        return whole_characters(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value
