"""Write a large store, read it whole, say how much memory that took: memory.py; all figures in MB."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sentipair.features import FeatureStore, store

SHARDS, ITEMS, VALUES = 20, 16, 1_000_000


def resident() -> float:
    """What this process has in memory now."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def read_all(root: Path, keys: list[str]) -> float:
    """Read every value twice in random order; the largest growth of memory on the way."""
    stream = FeatureStore(root).stream({"kind": "text"})
    start, largest = resident(), 0.0
    for key in np.random.default_rng(0).permutation(keys * 2):
        assert float(stream.read(key)[0, ::512].sum()) == 1954
        largest = max(largest, resident() - start)
    return largest


def main() -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        keys = [sha256(str(i).encode()).hexdigest() for i in range(SHARDS * ITEMS)]
        stream = FeatureStore(root).stream({"kind": "text"})
        record = np.ones((1, VALUES), np.float16)
        for i in range(0, len(keys), ITEMS):
            stream.write(keys[i : i + ITEMS], [record] * ITEMS)
        size = sum(path.stat().st_size for path in root.glob("*/*")) / 1e6
        growth = read_all(root, keys)
        store.RELEASE_AFTER = 1 << 62
        print(json.dumps({"store": size, "growth": growth, "without giving back": read_all(root, keys)}))


if __name__ == "__main__":
    main()
