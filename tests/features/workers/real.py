"""Extraction with the packaged encoders, as a process of its own: real.py STORE …."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from sentipair.data import Pair
from sentipair.encoders import Encoders
from sentipair.features import FeatureStore, FeatureTable, ImageGrid, TextLayers, table

table.SHARD_ITEMS = 4


def main(roots: list[Path]) -> None:
    """Extract 40 texts of different lengths and 40 pictures of noise into each store."""
    generator = np.random.default_rng(0)
    with TemporaryDirectory() as folder:
        pairs = []
        for i in range(40):
            path = Path(folder) / f"{i}.png"
            Image.fromarray(generator.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(path)
            pairs.append(Pair(id=str(i), text=f"post {i} " * (i % 9 + 1), image=path))
        encoders = Encoders()
        for root in roots:
            specs = (ImageGrid(), TextLayers())
            FeatureTable(pairs, classes=(), specs=specs, encoders=encoders, store=FeatureStore(root))


if __name__ == "__main__":
    main([Path(root) for root in sys.argv[1:]])
