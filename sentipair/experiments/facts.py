"""What is known of a data set besides its posts: the rows that are also in training, and the control classifiers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from sentipair.data import PairDataset
from sentipair.data.audit import audit
from sentipair.data.duplicates import read_pictures
from sentipair.data.traces import Traces
from sentipair.errors import UserError
from sentipair.evaluation.controls import Controls, control_scores
from sentipair.features import FeatureStore
from sentipair.files import sha256, write_json

VERSION = "1"
"""To be raised when the criteria or the controls change, so that nothing older is read."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What stands beside every result on a data set.

    Attributes:
        contaminated: split → ids of its rows whose exact text or near-identical picture is in the training split, or
            that an encoder was trained on.
        controls: scores of classifiers that see only what should not matter, as ``control_scores`` gives them.
        encoders: data that an encoder was trained on → split → ids of its rows that are in there.
    """

    contaminated: Mapping[str, tuple[str, ...]]
    controls: Controls
    encoders: Mapping[str, Mapping[str, tuple[str, ...]]]


def facts_of(dataset: PairDataset, store: FeatureStore, traces: Sequence[Traces] = ()) -> Facts:
    """The facts of ``dataset``, kept in the folder ``facts`` of ``store`` so that other runs need not find them again.

    Other posts, labels, splits, text steps, sizes of picture files or ``traces`` (what the encoders were trained on)
    make another entry, other rationales do not; a damaged one is replaced.
    """
    path = store.root / "facts" / f"{_identity(dataset, traces)}.json"
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Facts(
            contaminated=_by_split(kept["contaminated"]),
            controls=dict(kept["controls"]),
            encoders={data: _by_split(rows) for data, rows in kept["encoders"].items()},
        )
    facts = find_facts(dataset, traces)
    with suppress(UserError):  # a store that can only be read from serves all the same
        write_json(path, asdict(facts))
    return facts


def find_facts(dataset: PairDataset, traces: Sequence[Traces] = ()) -> Facts:
    """Read every picture once, look for duplicates and train the controls."""
    pictures = read_pictures(dataset.pairs)
    repeated = audit(dataset, pictures=pictures).contamination
    seen: dict[str, set[str]] = {}
    for each in traces:
        seen.setdefault(each.data, set()).update(each.found_in(dataset.pairs, pictures))
    encoders = {data: {split: _of(dataset, split, ids) for split in repeated} for data, ids in seen.items()}
    contaminated = {
        split: tuple(dict.fromkeys([*found.rows, *(i for rows in encoders.values() for i in rows[split])]))
        for split, found in repeated.items()
    }
    controls = control_scores(dataset, pictures)
    return Facts(contaminated=contaminated, controls=controls, encoders=encoders)


def _of(dataset: PairDataset, split: str, ids: set[str]) -> tuple[str, ...]:
    return tuple(i for i in dataset.splits[split] if i in ids)


def _by_split(rows: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {split: tuple(ids) for split, ids in rows.items()}


def _identity(dataset: PairDataset, traces: Sequence[Traces]) -> str:
    posts = dataset.without_rationales.fingerprint
    pictures = (str(_size(pair.image)) for pair in dataset if pair.image)
    return sha256(VERSION, posts, *pictures, *(json.dumps(asdict(each)) for each in traces))


def _size(image: Path) -> int:
    return image.stat().st_size if image.is_file() else -1
