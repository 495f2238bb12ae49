"""Posts to be scored, chunk by chunk: a table, a folder of pictures, or what comes from standard input."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa

from sentipair.data.rows import PICTURES, SUFFIXES, Row, open_parquet, open_rows, plain_rows, read_batches
from sentipair.data.text import decode
from sentipair.errors import UserError
from sentipair.files import atomic_write
from sentipair.progress import progress_bar

CHUNK = 128
"""Rows that are scored at a time. Equal pictures, and equal texts, of a chunk are encoded once."""

BLANK = b"\xef\xbb\xbf \t\r\n"
"""A byte order mark and white space."""


class Chunk(NamedTuple):
    """Rows one behind the other; ``table`` holds them as they stand in a Parquet file."""

    first: int
    rows: list[Row]
    table: pa.Table | None


@dataclass(frozen=True, kw_only=True)
class Source:
    """A table that has been looked through once.

    Attributes:
        path: the file.
        base: the folder that pictures are looked for in.
        columns: their names; case as in the file.
        types: what Arrow would call the columns; ``None`` where values of several types must become JSON.
        count: rows.
        digest: SHA-256 of the file.
    """

    path: Path
    base: Path
    columns: tuple[str, ...]
    types: tuple[pa.DataType | None, ...]
    count: int
    digest: str

    def chunks(self, *, start: int = 0) -> Iterator[Chunk]:
        """The rows, numbered from 1, each with every column; ``start`` chunks are passed over."""
        if self.path.suffix.lower() == ".parquet":
            tables = _cut(read_batches(open_parquet(self.path), self.path))
            for number, table in enumerate(islice(tables, start, None), start=start):
                yield Chunk(1 + number * CHUNK, plain_rows(table, self.path), table)
            return
        _, rows = open_rows(self.path)
        chunks = islice(_gather(rows), start, None)
        for number, found in enumerate(chunks, start=start):
            blank = dict.fromkeys(self.columns)
            yield Chunk(1 + number * CHUNK, [blank | row for row in found], None)


def look_through(path: Path, *, base: Path) -> Source:
    """Read a table once, so that whatever is wrong with it shows before anything is scored.

    Raises:
        UserError: the table cannot be read or has no rows; names the row.
    """
    columns, rows = open_rows(path)
    if path.suffix.lower() == ".parquet":
        file = open_parquet(path)
        count, types = file.metadata.num_rows, list(file.schema_arrow.types)
    else:
        count, known = 0, dict[str, pa.DataType | None](dict.fromkeys(columns, pa.string()))
        with progress_bar() as bar:
            task = bar.add_task(f"reading {path.name}", total=None, note="rows")
            for chunk in _gather(rows):
                count += len(chunk)
                bar.update(task, completed=count)
                if not columns:
                    _widen(known, chunk)
        columns, types = tuple(known), list(known.values())
    if not count:
        raise UserError(f"{path.name} has no rows; add at least one post")
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Source(path=path, base=base, columns=columns, types=tuple(types), count=count, digest=digest)


def table_of(source: Path | IO[bytes], *, scratch: Path) -> tuple[Path, Path]:
    """The table that is behind a source, and the folder that its pictures are looked for in.

    A folder has a table ``metadata.csv`` or the like, or else its pictures are the posts, each with the text of the
    ``.txt`` file of the same name, if there is one. Standard input is JSON Lines where it starts with ``{``, Parquet
    where it says so, TSV where its first line has a tab and no comma, else CSV.

    Args:
        source: a table, a folder, or an open stream, whose pictures are looked for in the current folder.
        scratch: a folder for a table that has to be written first.

    Raises:
        UserError: a folder without a table and pictures, or a stream that is a JSON list.
    """
    if not isinstance(source, Path):
        return _spooled(source, scratch), Path.cwd()
    if not source.is_dir():
        return source, source.absolute().parent
    known = (source / f"metadata{suffix}" for suffix in SUFFIXES)
    table = next((path for path in known if path.is_file()), None)
    return table or _listed(source, scratch / "input.jsonl"), source.absolute()


def _spooled(stream: IO[bytes], scratch: Path) -> Path:
    start = b""
    while not start.lstrip(BLANK) and (more := stream.readline()):
        start += more
    path = scratch / f"standard-input{_suffix(start.lstrip(BLANK))}"
    with atomic_write(path) as file:
        file.write(start)
        shutil.copyfileobj(stream, file)
    return path


def _suffix(start: bytes) -> str:
    """The ending that a table with this beginning would have."""
    if start.startswith(b"["):
        raise UserError("standard input is a JSON list; give JSON Lines, one object per line")
    if start.startswith(b"{"):
        return ".jsonl"
    if start.startswith(b"PAR1"):
        return ".parquet"
    return ".tsv" if b"\t" in start and b"," not in start else ".csv"


def _listed(folder: Path, path: Path) -> Path:
    pictures = sorted(found for found in folder.rglob("*") if found.suffix.lower() in PICTURES)
    if not pictures:
        raise UserError(f"the folder {folder} has neither a metadata.csv or .jsonl nor pictures")
    with atomic_write(path, "w") as file:
        for picture in pictures:
            beside = picture.with_suffix(".txt")
            text = decode(beside.read_bytes()).strip() if beside.is_file() else ""
            row = {"image": str(picture.relative_to(folder)), "text": text}
            file.write(json.dumps(row) + "\n")
    return path


def _gather(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of ``CHUNK`` rows, wherever the file has its row groups; the last may be shorter."""
    waiting = None
    for batch in batches:
        table = pa.Table.from_batches([batch])
        waiting = pa.concat_tables([waiting, table]) if waiting else table
        while len(waiting) >= CHUNK:
            yield waiting.slice(0, CHUNK)
            waiting = waiting.slice(CHUNK)
    if waiting:
        yield waiting


def _widen(known: dict[str, pa.DataType | None], rows: Sequence[Row]) -> None:
    """Widen the types by what is in ``rows``; integers become fractions, whatever else differs becomes JSON."""
    for name in dict.fromkeys(key for row in rows for key in row):
        before = known.setdefault(name, pa.null())
        if before is not None:
            known[name] = _common(before, [row.get(name) for row in rows])


def _common(before: pa.DataType, values: Sequence[Any]) -> pa.DataType | None:
    try:
        schemas = [pa.schema([("it", kind)]) for kind in (before, pa.array(values).type)]
        kind = pa.unify_schemas(schemas, promote_options="permissive").field("it").type
    except (pa.ArrowException, OverflowError):
        return None
    return None if "struct<>" in str(kind) else kind  # which Parquet cannot hold
