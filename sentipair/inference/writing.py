"""Writing a scored table, chunk by chunk: the columns that were there as they were, the new ones behind them."""

from __future__ import annotations

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from sentipair.errors import UserError
from sentipair.files import atomic_write, same_place
from sentipair.inference.source import Chunk, Source
from sentipair.inference.verdicts import Verdict, new_columns

ROW_GROUP = 16_384
"""Rows of a Parquet file that are written together."""


class Writer(ABC):
    """Writes the rows of ``source`` that are not left out, and what the model says of them.

    Args:
        file: open for writing.
        source: the table.
        classes: class names.
    """

    mode = "w"

    def __init__(self, file: IO[Any], *, source: Source, classes: Sequence[str]) -> None:
        self.file = file
        self.source = source
        self.new = new_columns(classes)

    @abstractmethod
    def write(self, chunk: Chunk, verdicts: Sequence[Verdict]) -> None:
        """Write the rows of a chunk."""

    def finish(self) -> None:  # noqa: B027
        """Write what is left, after the last chunk; most files need nothing."""


class CSVWriter(Writer):
    """Lists, dictionaries and truth values are written as JSON."""

    def __init__(self, file: IO[str], *, source: Source, classes: Sequence[str]) -> None:
        super().__init__(file, source=source, classes=classes)
        self.lines = csv.writer(file, lineterminator="\n")
        self.lines.writerow([*source.columns, *self.new])

    def write(self, chunk: Chunk, verdicts: Sequence[Verdict]) -> None:
        """Write the rows of a chunk."""
        for row, verdict in _kept(chunk, verdicts):
            old = (row[name] for name in self.source.columns)
            self.lines.writerow(map(as_text, (*old, *verdict.values)))


class JSONLinesWriter(Writer):
    """An object per row."""

    def write(self, chunk: Chunk, verdicts: Sequence[Verdict]) -> None:
        """Write the rows of a chunk."""
        for row, verdict in _kept(chunk, verdicts):
            scored = row | dict(zip(self.new, verdict.values, strict=True))
            self.file.write(json.dumps(scored, ensure_ascii=False, default=str) + "\n")


class ParquetWriter(Writer):
    """Columns keep the types of a Parquet file; those of other tables are found; mixed values become JSON."""

    mode = "wb"

    def __init__(self, file: IO[bytes], *, source: Source, classes: Sequence[str]) -> None:
        super().__init__(file, source=source, classes=classes)
        kinds = [pa.string(), *[pa.float64()] * (1 + len(classes)), pa.string(), pa.string(), pa.bool_()]
        old = [kind or pa.string() for kind in source.types]
        names = (*source.columns, *self.new)
        self.schema = pa.schema(list(zip(names, [*old, *kinds], strict=True)))
        self.parquet = pq.ParquetWriter(file, self.schema)
        self.waiting: list[pa.Table] = []

    def write(self, chunk: Chunk, verdicts: Sequence[Verdict]) -> None:
        """Write the rows of a chunk."""
        kept = _kept(chunk, verdicts)
        if chunk.table is not None:
            places = [i for i, verdict in enumerate(verdicts) if verdict.probabilities is not None]
            columns = chunk.table.take(pa.array(places, pa.int64())).columns
        else:
            columns = [
                _column([row[name] for row, _ in kept], kind)
                for name, kind in zip(self.source.columns, self.source.types, strict=True)
            ]
        cells = [verdict.values for _, verdict in kept]
        for place, name in enumerate(self.new):
            columns.append(pa.array([values[place] for values in cells], self.schema.field(name).type))
        self.waiting.append(pa.table(columns, schema=self.schema))
        if sum(map(len, self.waiting)) >= ROW_GROUP:
            self._flush()

    def finish(self) -> None:
        """Write the last rows and the footer."""
        self._flush()
        self.parquet.close()

    def _flush(self) -> None:
        if self.waiting:
            self.parquet.write_table(pa.concat_tables(self.waiting), row_group_size=ROW_GROUP)
        self.waiting = []


WRITERS: Mapping[str, type[Writer]] = {
    ".parquet": ParquetWriter,
    ".csv": CSVWriter,
    ".jsonl": JSONLinesWriter,
}
"""By the ending of the file."""


@contextmanager
def open_output(output: Path, *, source: Source, classes: Sequence[str]) -> Iterator[Writer]:
    """A writer for ``output``, which is replaced at the end, whole or not at all."""
    kind = WRITERS[output.suffix.lower()]
    with atomic_write(output, kind.mode) as file:
        writer = kind(file, source=source, classes=classes)
        yield writer
        writer.finish()


@contextmanager
def open_problems(output: Path, *, source: Source) -> Iterator[Problems]:
    """A list of rows with a problem, beside ``output``; no list where there is none."""
    path = problems_path(output)
    with atomic_write(path, "w") as file:
        problems = Problems(file, source)
        yield problems
    if not problems.count:
        path.unlink()


class Problems:
    """Writes rows with a problem: number, what was done, why, and the row itself.

    Args:
        file: open for writing.
        source: the table.
    """

    def __init__(self, file: IO[str], source: Source) -> None:
        self.count = 0
        self.columns = source.columns
        self.lines = csv.writer(file, lineterminator="\n")
        self.lines.writerow(["row", "outcome", "reason", *source.columns])

    def write(self, chunk: Chunk, verdicts: Sequence[Verdict]) -> None:
        """List the rows of a chunk that have a problem."""
        for number, (row, verdict) in enumerate(zip(chunk.rows, verdicts, strict=True), start=chunk.first):
            if verdict.problem:
                self.count += 1
                outcome = "left out" if verdict.probabilities is None else "scored by its text"
                cells = (as_text(row[name]) for name in self.columns)
                self.lines.writerow([number, outcome, verdict.problem, *cells])


def problems_path(output: Path) -> Path:
    """Where the rows with a problem are listed."""
    return output.with_name(f"{output.name}.errors.csv")


def check_output(output: Path, source: object, report: Path | None = None) -> None:
    """Refuse an output that cannot be written before anything is computed for it.

    Raises:
        UserError: an unknown ending, or one of the files to be written is the table itself or another one of them.
    """
    if output.suffix.lower() not in WRITERS:
        *first, last = WRITERS
        raise UserError(f"cannot write {output.name}: name the output {', '.join(first)} or {last}")
    written = {"--output": [output, problems_path(output)], "--report": [report] if report else []}
    for option, paths in written.items():
        if isinstance(source, Path) and any(same_place(path, source) for path in paths):
            raise UserError(
                f"{source} is the table to be scored and would be overwritten; choose another {option}"
            )
    if report and any(same_place(report, path) for path in written["--output"]):
        raise UserError(f"{report} would be overwritten by --output; choose another --report")


def as_text(value: Any) -> Any:
    """A cell of a CSV file."""
    if isinstance(value, list | dict | bool):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value


def _kept(chunk: Chunk, verdicts: Sequence[Verdict]) -> list[tuple[dict[str, Any], Verdict]]:
    return [
        (row, verdict)
        for row, verdict in zip(chunk.rows, verdicts, strict=True)
        if verdict.probabilities is not None
    ]


def _column(values: Sequence[Any], kind: pa.DataType | None) -> pa.Array:
    if kind is None:
        return pa.array(
            [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
        )
    try:
        return pa.array(values, kind)
    except pa.ArrowException:  # an integer that a fraction cannot hold exactly
        return pa.array(values).cast(kind, safe=False)
