"""Rationales as a table: own exports, other people's, and the layout that the MPT repository reads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from sentipair.data.pair import SENTIMENT
from sentipair.data.rows import SUFFIXES, read_rows
from sentipair.data.text import collapse_blanks, decode
from sentipair.errors import UserError
from sentipair.files import atomic_write
from sentipair.rationales.prompts import VERDICT

Rationales = Mapping[str, Mapping[str, str]]
"""A post's id → polarity → rationale; ``VERDICT`` may be among the polarities."""

ALIASES = {"r_pos": "positive", "r_neu": "neutral", "r_neg": "negative"}
"""The names of MPT's columns."""

_MPT_RECORD = re.compile(r"^(?=-?\d+\t[^\t\n]*\.\w{2,5}\t)", re.MULTILINE)
_MPT_POLARITIES = {6: ("positive", "neutral", "negative"), 5: ("positive", "negative")}
"""What the rationales at the end of a record are for, by the number of its fields."""


def write_rationales(path: Path, rationales: Rationales, polarities: Sequence[str]) -> None:
    """Write a Parquet table with ``id`` and a column per polarity, whole or not at all."""
    columns = {name: [given.get(name) for given in rationales.values()] for name in polarities}
    kinds = [pa.field(name, pa.string()) for name in ("id", *polarities)]
    table = pa.table({"id": list(rationales), **columns}, schema=pa.schema(kinds))
    with atomic_write(path) as file:
        pq.write_table(table, file)


def read_rationales(path: Path, classes: Sequence[str]) -> dict[str, dict[str, str]]:
    """Read a table with ``id`` and a column per polarity, or a file in MPT's layout.

    MPT's has no header; its columns are label, picture, text, and the rationales for positive, neutral (where there are
    three) and negative, between tabs, with line breaks inside. A post is called by its picture's name there, such as
    ``4711.jpg``; where pictures share their names (CH-Mits), by the name of its picture's folder.

    Args:
        path: ``.parquet``, ``.csv``, ``.tsv`` or ``.jsonl``. Columns other than ``classes``, the three sentiments and
            ``verdict`` are passed over.
        classes: of the data.

    Raises:
        UserError: the table cannot be read, has no id or no rationale, or names a post twice.
    """
    if path.suffix.lower() == ".tsv" and path.is_file() and (found := _read_mpt(path)) is not None:
        return found
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"no rationales {str(path)!r}; use lexicon, or a table ({', '.join(SUFFIXES)})")
    header, rows = read_rows(path)
    known = (*dict.fromkeys((*classes, *SENTIMENT)), VERDICT)
    named = {name: ALIASES.get(name, name) for name in header if ALIASES.get(name, name) in known}
    if len(set(named.values())) < len(named):
        raise UserError(f"{path.name} has two columns for one polarity ({', '.join(named)}); leave one out")
    if "id" not in header or not named:
        raise UserError(
            f"{path.name} has the columns {', '.join(header)}; rationales need id and some of {', '.join(known)}"
        )
    rationales: dict[str, dict[str, str]] = {}
    for row in rows:
        key = str(row["id"]).strip()
        if key in rationales:
            raise UserError(f"{path.name}: the id {key!r} is there twice; make ids unique")
        cells = {polarity: row[name] for name, polarity in named.items()}
        rationales[key] = {
            polarity: collapse_blanks(cell)
            for polarity, cell in cells.items()
            if isinstance(cell, str) and cell.strip()
        }
    return rationales


def _read_mpt(path: Path) -> dict[str, dict[str, str]] | None:
    """The rationales of a file in MPT's layout, ``None`` if it is none."""
    records = [record for record in _MPT_RECORD.split(decode(path.read_bytes())) if record.strip()]
    if not records or not _MPT_RECORD.match(records[0]):
        return None
    rows = [record.rstrip("\r\n").split("\t") for record in records]
    ((fields, _),) = Counter(min(len(row), max(_MPT_POLARITIES)) for row in rows).most_common(1)
    for number, row in enumerate(rows, start=1):
        if fields not in _MPT_POLARITIES or len(row) < fields:
            raise UserError(
                f"{path.name}, record {number}: expected label, picture, text and two or three rationales between "
                "tabs, as many in every record; restore the file"
            )
    polarities = _MPT_POLARITIES[fields]
    pictures = [PurePosixPath(row[1].replace("\\", "/")) for row in rows]
    keys = [picture.stem for picture in pictures]
    if len(set(keys)) < len(keys):
        keys = [picture.parent.name for picture in pictures]
    if len(set(keys)) < len(keys):
        raise UserError(f"{path.name} names a post twice; pictures or their folders need names of their own")
    found = {}
    for key, row in zip(keys, rows, strict=True):
        said = [*row[3 : fields - 1], "\t".join(row[fields - 1 :])]  # the last may hold tabs
        cells = zip(polarities, map(collapse_blanks, said), strict=True)
        found[key] = {polarity: cell for polarity, cell in cells if cell}
    return found
