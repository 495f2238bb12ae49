"""Rationales as a table: own exports, other people's, and the layout that the MPT repository reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from sentipair.data.pair import SENTIMENT
from sentipair.data.rows import SUFFIXES, read_records, read_rows
from sentipair.data.text import collapse_blanks
from sentipair.errors import UserError
from sentipair.files import atomic_write
from sentipair.rationales.prompts import VERDICT

Rationales = Mapping[str, Mapping[str, str]]
"""A post's id → polarity → rationale; ``VERDICT`` may be among the polarities."""

ALIASES = {"r_pos": "positive", "r_neu": "neutral", "r_neg": "negative"}
"""The names of MPT's columns."""

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
    three) and negative, in quotation marks where they hold line breaks. A post is called by its picture's name there,
    such as ``4711.jpg``; where pictures share their names (CH-Mits), by the name of its picture's folder.

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
    rows = read_records(path)
    if not rows or not _starts_like_mpt(rows[0]):
        return None
    fields = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if fields not in _MPT_POLARITIES or len(row) != fields:
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
        cells = zip(polarities, map(collapse_blanks, row[3:]), strict=True)
        found[key] = {polarity: cell for polarity, cell in cells if cell}
    return found


def _starts_like_mpt(row: Sequence[str]) -> bool:
    """Whether a first row has a label and a picture, and not the names of columns."""
    return len(row) > 1 and re.fullmatch(r"-?\d+", row[0]) is not None and bool(PurePosixPath(row[1]).suffix)
