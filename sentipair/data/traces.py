"""What a network has been trained on, without the posts: hashes, enough to find the same posts in other data.

An encoder that was fine-tuned on one data set and is used on another must not have seen the other's test posts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sentipair.data.duplicates import Pictures, keys_of, near_pairs, text_key
from sentipair.data.pair import Pair, PairDataset
from sentipair.errors import UserError
from sentipair.files import sha256, write_json

TRACES = "trained-on.json"
"""Lies beside the weights; holds one entry per data set."""

VERSION = 2
"""Of the entries: another one is raised whenever ``text_key`` changes, because hashes of then would match nothing."""


@dataclass(frozen=True, kw_only=True)
class Traces:
    """The posts of a data set that training and the choice of the epoch looked at.

    Attributes:
        data: the data set with its variant and scheme.
        texts: sixteen hex digits for the letters and digits of every text that has any, sorted.
        pictures: perceptual and gradient hash of every picture that is not plain, sixteen hex digits each, sorted.
    """

    data: str
    texts: tuple[str, ...]
    pictures: tuple[str, ...]

    @classmethod
    def of(cls, dataset: PairDataset, pictures: Pictures) -> Traces:
        """Those of the training and validation posts; ``pictures`` is what ``read_pictures`` gave for them."""
        pairs = [pair for split in ("train", "validation") for pair in dataset.split(split)]
        return cls(
            data=f"{dataset.name} ({dataset.variant}, {dataset.scheme})",
            texts=tuple(sorted({found for found in map(_text_trace, pairs) if found})),
            pictures=tuple(sorted({found for found in _picture_traces(pairs, pictures) if found})),
        )

    def found_in(self, pairs: Sequence[Pair], pictures: Pictures) -> set[str]:
        """The ids of the ``pairs`` that have one of the texts or a near-identical picture.

        Texts are the same where their letters and digits are, because data sets come with other addresses, marks and
        blanks; pictures by the limits of ``sentipair.data.duplicates``.
        """
        known = set(self.texts)
        same_text = {pair.id for pair in pairs if _text_trace(pair) in known}
        hashed = [
            (pair.id, found)
            for pair, found in zip(pairs, _picture_traces(pairs, pictures), strict=True)
            if found
        ]
        both = [*self.pictures, *(found for _, found in hashed)]
        phashes = np.array([int(each[:16], 16) for each in both], dtype=np.uint64)
        dhashes = np.array([int(each[16:], 16) for each in both], dtype=np.uint64)
        first = len(self.pictures)
        links = near_pairs(phashes, dhashes).tolist()
        return same_text | {hashed[later - first][0] for earlier, later in links if earlier < first <= later}


def write_traces(folder: Path, traces: Sequence[Traces]) -> None:
    """Write what the network in ``folder`` has been trained on."""
    write_json(folder / TRACES, [{"version": VERSION, **asdict(each)} for each in traces])


def read_traces(folder: Path) -> list[Traces]:
    """What the network in ``folder`` has been trained on, as far as is known there.

    Raises:
        UserError: the file is damaged, or of another version.
    """
    path = folder / TRACES
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        versions = {entry.get("version") for entry in entries}
        found = [
            Traces(data=str(entry["data"]), texts=tuple(entry["texts"]), pictures=tuple(entry["pictures"]))
            for entry in entries
        ]
    except (AttributeError, OSError, ValueError, LookupError, TypeError) as error:
        raise UserError(f"{path} is damaged; export the encoder again") from error
    if versions - {VERSION}:
        raise UserError(f"{path} was written by another version of sentipair; export the encoder again")
    return found


def _text_trace(pair: Pair) -> str | None:
    key = text_key(pair.text, "alphanumeric")
    return sha256(key)[:16] if key else None


def _picture_traces(pairs: Sequence[Pair], pictures: Pictures) -> list[str | None]:
    return [
        f"{key.phash:016x}{key.dhash:016x}" if key and not key.plain else None
        for key in keys_of(pairs, pictures)
    ]
