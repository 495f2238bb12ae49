"""One reader per published data set, each registered by its name."""

from __future__ import annotations

from sentipair.data.readers.loading import load_dataset
from sentipair.data.readers.registry import Reader, all_readers, find_reader, register

__all__ = ["Reader", "all_readers", "find_reader", "load_dataset", "register"]
