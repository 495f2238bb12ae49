"""Extraction of numbered texts, as a process of its own: numbered.py STORE; prints how many it encoded."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sentipair.data import Pair
from sentipair.errors import UserError
from sentipair.features import FeatureStore, table

table.SHARD_ITEMS = 8
SHARDS = 240
PAIRS = [Pair(id=str(i), text=str(i)) for i in range(8 * SHARDS - 3)]


def record(pair: Pair) -> NDArray[np.float16]:
    """0 to 39 rows of 400 numbers that depend on the text alone."""
    number = int(pair.text)
    return np.random.default_rng(number).normal(size=(number % 40, 400)).astype(np.float16)


class Numbers:
    kind: Literal["text", "image"] = "text"
    dims: dict[str, int]

    def __init__(self) -> None:
        self.encoded = 0

    def describe(self) -> dict[str, object]:
        return {"kind": self.kind, "model": "numbers"}

    def key(self, pair: Pair) -> str:
        return sha256(pair.text.encode()).hexdigest()

    def encode(self, pairs: Sequence[Pair]) -> list[NDArray[np.float16]]:
        time.sleep(0.002)
        self.encoded += len(pairs)
        return [record(pair) for pair in pairs]

    def remark(self, pair: Pair, length: int) -> None:
        return None


def extract(root: Path) -> int:
    """Extract all pairs into the store at ``root``; how many were encoded."""
    source = Numbers()
    wanted = {source.key(pair): pair for pair in PAIRS}
    table.extract(source, FeatureStore(root).stream(source.describe()), wanted)
    return source.encoded


def finished(root: Path) -> int:
    """How many records the store holds; each must be exactly what was encoded, and none twice."""
    source = Numbers()
    stream = FeatureStore(root).stream(source.describe())
    found = [pair for pair in PAIRS if source.key(pair) in stream]
    assert all(np.array_equal(stream.read(source.key(pair)), record(pair)) for pair in found)
    assert sum(len(shard.keys) for shard in stream._shards.values()) == len(found)
    assert not list(root.glob("*/*.damaged"))
    return len(found)


if __name__ == "__main__":
    try:
        print(extract(Path(sys.argv[1])))
    except UserError as error:
        sys.exit(f"Error: {error}")
