"""Pairs joined with their features: extraction of what is missing, and batches without worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy

import torch
from torch import Tensor

from sentipair.data.pair import Modality, Pair
from sentipair.encoders import Encoders
from sentipair.errors import UserError
from sentipair.features.batch import PairBatch
from sentipair.features.specs import FeatureSpec, Places, Source
from sentipair.features.store import FeatureStore, FeatureStream
from sentipair.progress import progress_bar, track

SHARD_ITEMS = 256


def extract(source: Source, stream: FeatureStream, pairs: Mapping[str, Pair]) -> None:
    """Encode those of ``pairs`` (key → pair) that the stream lacks, a shard at a time.

    What is to be done is cut into shards in the order of the keys, so a resumed run plans the same shards as an
    undisturbed one. A shard that another process is working on is left to it and waited for at the end.

    Raises:
        UserError: the store cannot be written to, the disk is full, or a picture changed meanwhile.
    """
    todo = stream.missing(list(pairs))
    if not todo:
        return
    stream.sweep()
    shards = [todo[start : start + SHARD_ITEMS] for start in range(0, len(todo), SHARD_ITEMS)]
    with progress_bar() as bar:
        task = bar.add_task(f"extracting {source.kind} features", total=len(todo), note="")
        for wait in (False, True):
            left = []
            for keys in shards:
                path = stream.shard_path(keys)
                with stream.claim(path, wait=wait) as claimed:
                    if claimed and not path.exists():
                        shard = [pairs[key] for key in keys]
                        records = source.encode(shard)
                        _refuse_changed(source, keys, shard)
                        stream.write(keys, records)
                if claimed:
                    bar.advance(task, len(keys))
                else:
                    left.append(keys)
            shards = left
    stream.sweep()  # another process may have been killed meanwhile
    stream.refresh()


def _refuse_changed(source: Source, keys: Sequence[str], pairs: Sequence[Pair]) -> None:
    """Keep features from being stored under the key of another content than they were made of.

    Raises:
        UserError: a picture has changed, or went away, since its key was made.
    """
    for key, pair in zip(keys, pairs, strict=True):
        if source.key(pair) != key:
            raise UserError(
                f"the {source.kind} of post {pair.id} changed or went away while features were made; repeat the command"
            )


def _indices(labels: Sequence[str | None], classes: Sequence[str]) -> Tensor:
    """Places in ``classes``, −1 for what is none of them, as the polarity of a text is none of sarcasm's."""
    places = {name: place for place, name in enumerate(classes)}
    return torch.tensor([-1 if label is None else places.get(label, -1) for label in labels])


class FeatureTable:
    """The pairs of a data set with the features that a model requires, extracted on construction.

    Args:
        pairs: the pairs, in the order that indices refer to.
        classes: class names; ``labels`` are places in it.
        specs: what the model requires.
        encoders: who makes the features.
        store: where they are kept.

    Attributes:
        labels: [N] class indices, −1 where unknown.
        unimodal_labels: ``"text"`` and ``"image"`` → the same of what text and picture are each by itself, −1 also
            where that is none of the classes.
        unusable: id → why its picture could not be used.
        truncated: id → how far its text was cut.

    Raises:
        UserError: an encoder or the store cannot be used.
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
        self.labels = _indices([pair.label for pair in pairs], classes)
        self.unimodal_labels = {
            "text": _indices([pair.text_label for pair in pairs], classes),
            "image": _indices([pair.image_label for pair in pairs], classes),
        }
        self.unusable: dict[str, str] = {}
        self.truncated: dict[str, str] = {}
        self._columns: list[tuple[FeatureSpec[Source], Source, FeatureStream, list[str | None]]] = []
        remarks = {"image": self.unusable, "text": self.truncated}
        keys_of: dict[tuple[FeatureStream, str], list[str | None]] = {}
        for spec in specs:
            source = spec.source(encoders)
            stream = store.stream(source.describe())
            if (stream, source.reads) not in keys_of:
                keys = keys_of[stream, source.reads] = _keys(source, pairs)
                wanted = {key: pair for key, pair in zip(keys, pairs, strict=True) if key is not None}
                extract(source, stream, wanted)
                remarks[source.kind] |= _remarks(source, stream, pairs, keys)
            self._columns.append((spec, source, stream, keys_of[stream, source.reads]))

    def __len__(self) -> int:
        return len(self.pairs)

    def batch(self, indices: Sequence[int]) -> PairBatch:
        """The pairs at ``indices`` as tensors; at least one."""
        features: dict[str, Tensor] = {}
        for spec, source, stream, keys in self._columns:
            records = [stream.read(key) if (key := keys[i]) is not None else None for i in indices]
            features |= spec.collate(records, source)
        ids = tuple(self.pairs[i].id for i in indices)
        rows = list(indices)
        return PairBatch(
            ids=ids,
            labels=self.labels[rows],
            features=features,
            unimodal_labels={kind: labels[rows] for kind, labels in self.unimodal_labels.items()},
        )

    def locate(self, index: int) -> Places:
        """Where tokens, cells and regions of the pair at ``index`` lie in it; what is absent is left out."""
        places: dict[str, Sequence[tuple[float, ...]]] = {}
        for spec, source, stream, keys in self._columns:
            key = keys[index]
            record = None if key is None else stream.read(key)
            places |= spec.locate(self.pairs[index], record, source)
        return places

    def without(self, kind: Modality) -> FeatureTable:
        """The same pairs with every text empty, or with no picture: what a model would see of such posts.

        Raises:
            UserError: the features of the empty text are not there yet and cannot be made.
        """
        table = copy(self)
        table.pairs = [pair.without(kind) for pair in self.pairs]
        if kind == "text":
            table.truncated = {}
        else:
            table.unusable = {}
        table._columns = [
            (spec, source, stream, [_key_of_nothing(source, stream)] * len(keys))
            if source.kind == kind
            else (spec, source, stream, keys)
            for spec, source, stream, keys in self._columns
        ]
        return table

    def batches(self, size: int, *, order: Sequence[int] | None = None) -> Iterator[PairBatch]:
        """All pairs in batches of ``size``, in the given order; the last one may be smaller."""
        order = range(len(self)) if order is None else order
        for start in range(0, len(order), size):
            yield self.batch(order[start : start + size])


def _keys(source: Source, pairs: Sequence[Pair]) -> list[str | None]:
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(track(pool.map(source.key, pairs), f"reading {source.kind}s", total=len(pairs)))


def _key_of_nothing(source: Source, stream: FeatureStream) -> str | None:
    """The key of a post without text and picture; its record is extracted where it has one."""
    nothing = Pair(id="nothing")
    key = source.key(nothing)
    if key is not None:
        extract(source, stream, {key: nothing})
    return key


def _remarks(
    source: Source, stream: FeatureStream, pairs: Sequence[Pair], keys: Sequence[str | None]
) -> dict[str, str]:
    lengths = (0 if key is None else stream.length(key) for key in keys)
    found = ((pair.id, source.remark(pair, length)) for pair, length in zip(pairs, lengths, strict=True))
    return {pair_id: remark for pair_id, remark in found if remark is not None}
