"""Pairs joined with their features: extraction of what is missing, and batches without worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

from sentipair.data.pair import Pair
from sentipair.encoders import Encoders
from sentipair.features.batch import PairBatch
from sentipair.features.specs import FeatureSpec, Source
from sentipair.features.store import FeatureStore, FeatureStream
from sentipair.progress import progress_bar, track

SHARD_ITEMS = 256


def extract(source: Source, stream: FeatureStream, pairs: Mapping[str, Pair]) -> dict[str, str]:
    """Encode those of ``pairs`` (key → pair) that the stream lacks, a shard at a time.

    What is to be done is cut into shards in the order of the keys, so a resumed run plans the same shards as an
    undisturbed one. A shard that another process is working on is left to it and waited for at the end.

    Returns:
        id → reason for the inputs that could not be used; their records are empty.
    """
    todo = stream.missing(list(pairs))
    shards = [todo[start : start + SHARD_ITEMS] for start in range(0, len(todo), SHARD_ITEMS)]
    reasons: dict[str, str] = {}
    with progress_bar() as bar:
        kind = source.describe()["kind"]
        task = bar.add_task(f"extracting {kind} features", total=len(todo), note="")
        for wait in (False, True):
            for keys in shards:
                if not stream.shard_path(keys).exists():
                    with stream.claim(keys, wait=wait) as claimed:
                        if claimed and not stream.shard_path(keys).exists():
                            records, failed = source.encode([pairs[key] for key in keys])
                            stream.write(keys, records)
                            reasons |= failed
                done = sum(len(shard) for shard in shards if stream.shard_path(shard).exists())
                bar.update(task, completed=done)
    if todo:
        stream.refresh()
    return reasons


class FeatureTable:
    """The pairs of a data set with the features that a model requires, extracted on construction.

    Args:
        pairs: the pairs, in the order that indices refer to.
        classes: class names; ``labels`` are places in it.
        specs: what the model requires.
        encoders: who makes the features.
        store: where they are kept.

    Attributes:
        unusable: id → why its picture could not be used, for those found in this extraction.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        *,
        classes: Sequence[str],
        specs: Sequence[FeatureSpec[Source]],
        encoders: Encoders,
        store: FeatureStore,
    ) -> None:
        self.pairs = pairs
        self.labels = torch.tensor(
            [-1 if pair.label is None else list(classes).index(pair.label) for pair in pairs],
            dtype=torch.long,
        )
        self.unusable: dict[str, str] = {}
        self._columns: list[tuple[FeatureSpec[Source], Source, FeatureStream, list[str | None]]] = []
        for spec in specs:
            source = spec.source(encoders)
            stream = store.stream(source.describe())
            keys = _keys(source, pairs)
            wanted = {key: pair for key, pair in zip(keys, pairs, strict=True) if key is not None}
            self.unusable |= extract(source, stream, wanted)
            self._columns.append((spec, source, stream, keys))

    def __len__(self) -> int:
        return len(self.pairs)

    def batch(self, indices: Sequence[int]) -> PairBatch:
        """The pairs at ``indices`` as tensors."""
        features: dict[str, torch.Tensor] = {}
        for spec, source, stream, keys in self._columns:
            records = [stream.read(key) if (key := keys[i]) is not None else None for i in indices]
            features |= spec.collate(records, source)
        ids = tuple(self.pairs[i].id for i in indices)
        return PairBatch(ids=ids, labels=self.labels[list(indices)], features=features)

    def batches(self, size: int, *, order: Sequence[int] | None = None) -> Iterator[PairBatch]:
        """All pairs in batches of ``size``, in the given order; the last one may be smaller."""
        order = range(len(self)) if order is None else order
        for start in range(0, len(order), size):
            yield self.batch(order[start : start + size])


def _keys(source: Source, pairs: Sequence[Pair]) -> list[str | None]:
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(track(pool.map(source.key, pairs), "reading inputs", total=len(pairs)))
