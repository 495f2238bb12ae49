"""Posts and data sets: the ``Pair``, the readers, label fusion, splits, and own tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentipair.data.pair import SARCASM, SENTIMENT, SPLITS, Pair, PairDataset, Post
from sentipair.data.text import decode, normalise
from sentipair.lazy import lazily

if TYPE_CHECKING:
    from sentipair.data.readers import all_readers, find_reader, load_dataset
    from sentipair.data.rows import read_rows
    from sentipair.data.splits import own_split, published_split
    from sentipair.data.tables import read_table

__all__ = [
    "SARCASM",
    "SENTIMENT",
    "SPLITS",
    "Pair",
    "PairDataset",
    "Post",
    "all_readers",
    "decode",
    "find_reader",
    "load_dataset",
    "normalise",
    "own_split",
    "published_split",
    "read_rows",
    "read_table",
]

__getattr__ = lazily(
    __name__,
    {
        "readers": ["all_readers", "find_reader", "load_dataset"],
        "rows": ["read_rows"],
        "splits": ["own_split", "published_split"],
        "tables": ["read_table"],
    },
)
