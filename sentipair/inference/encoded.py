"""Posts with the records that a model reads, in memory: what the feature store is to a data set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sentipair.data.pair import Modality, Pair
from sentipair.encoders import Encoders
from sentipair.features import FeatureSpec, PairBatch
from sentipair.features.specs import Source

Record = NDArray[np.float16]


class PostEncoder:
    """What a model requires, made for posts as they come.

    Args:
        specs: what the model requires.
        encoders: who makes it.
    """

    def __init__(self, specs: Sequence[FeatureSpec[Any]], encoders: Encoders) -> None:
        self.columns: list[tuple[FeatureSpec[Any], Source]] = [
            (spec, spec.source(encoders)) for spec in specs
        ]
        self._nothing: dict[int, Record | None] = {}

    @property
    def kinds(self) -> list[Modality]:
        """The modalities that the model reads."""
        return list(dict.fromkeys(source.kind for _, source in self.columns))

    def __call__(self, pairs: Sequence[Pair]) -> EncodedPosts:
        """Encode posts, at least one."""
        return EncodedPosts(self, pairs, [_encode(source, pairs) for _, source in self.columns])

    def nothing(self, column: int) -> Record | None:
        """The record of a post without text and picture, where it has one."""
        if column not in self._nothing:
            source, pair = self.columns[column][1], Pair(id="nothing")
            self._nothing[column] = None if source.key(pair) is None else source.encode([pair])[0]
        return self._nothing[column]


class EncodedPosts:
    """B posts and their records per column of ``encoder``."""

    def __init__(
        self, encoder: PostEncoder, pairs: Sequence[Pair], records: Sequence[Sequence[Record | None]]
    ) -> None:
        self.encoder = encoder
        self.pairs = pairs
        self.records = records

    def alike(self, size: int) -> Iterator[tuple[Sequence[int], EncodedPosts]]:
        """At most ``size`` posts at a time, which need little padding together, and their places."""
        lengths = [
            sum(0 if r is None else len(r) for r in records) for records in zip(*self.records, strict=True)
        ]
        order = sorted(range(len(self.pairs)), key=lambda i: lengths[i] if lengths else 0)
        for start in range(0, len(order), size):
            places = order[start : start + size]
            records = [[column[i] for i in places] for column in self.records]
            yield places, EncodedPosts(self.encoder, [self.pairs[i] for i in places], records)

    def batch(self, *, without: Modality | None = None) -> PairBatch:
        """The posts as tensors; with every text or every picture withheld where ``without`` names one."""
        features: dict[str, torch.Tensor] = {}
        for column, (spec, source) in enumerate(self.encoder.columns):
            withheld = source.kind == without
            records = [self.encoder.nothing(column)] * len(self.pairs) if withheld else self.records[column]
            features |= spec.collate(records, source)
        unknown = torch.full((len(self.pairs),), -1)
        return PairBatch(ids=tuple(pair.id for pair in self.pairs), labels=unknown, features=features)

    def present(self, kind: Modality) -> list[bool]:
        """Per post whether it has a text, or a picture that could be read."""
        if kind == "text":
            return [bool(pair.text.strip()) for pair in self.pairs]
        columns = [
            records
            for (_, source), records in zip(self.encoder.columns, self.records, strict=True)
            if source.kind == kind
        ]
        return [
            any(record is not None and len(record) > 0 for record in records)
            for records in zip(*columns, strict=True)
        ]

    def remarks(self, reads: str) -> list[str | None]:
        """Per post what a person must be told of the input named ``reads``."""
        for (_, source), records in zip(self.encoder.columns, self.records, strict=True):
            if source.reads == reads:
                return [
                    source.remark(pair, 0 if record is None else len(record))
                    for pair, record in zip(self.pairs, records, strict=True)
                ]
        return [None] * len(self.pairs)


def _encode(source: Source, pairs: Sequence[Pair]) -> list[Record | None]:
    """A record per post; inputs that occur several times are encoded once."""
    keys = [source.key(pair) for pair in pairs]
    wanted = {key: pair for key, pair in zip(keys, pairs, strict=True) if key is not None}
    records = dict(zip(wanted, source.encode(list(wanted.values())), strict=True))
    return [None if key is None else records[key] for key in keys]
