"""Posts and data sets: the ``Pair``, the readers, label fusion, splits, and own tables."""

from __future__ import annotations

from sentipair.data.pair import SARCASM, SENTIMENT, SPLITS, Pair, PairDataset, Post
from sentipair.data.readers import all_readers, find_reader, load_dataset
from sentipair.data.rows import read_rows
from sentipair.data.splits import own_split, published_split
from sentipair.data.tables import read_table
from sentipair.data.text import decode, normalise

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
