"""What is known of a data set besides its posts: the rows that are also in training, and the control classifiers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from sentipair.data import PairDataset
from sentipair.data.audit import audit
from sentipair.data.duplicates import read_pictures
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
        contaminated: split → ids of its rows whose exact text or near-identical picture is in the training split.
        controls: scores of classifiers that see only what should not matter, as ``control_scores`` gives them.
    """

    contaminated: Mapping[str, tuple[str, ...]]
    controls: Controls


def facts_of(dataset: PairDataset, store: FeatureStore) -> Facts:
    """The facts of ``dataset``, kept in the folder ``facts`` of ``store`` so that other runs need not find them again.

    Other posts, labels, splits, text steps or sizes of picture files make another entry, other rationales do not; a
    damaged one is replaced.
    """
    path = store.root / "facts" / f"{_identity(dataset)}.json"
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        contaminated = {split: tuple(ids) for split, ids in kept["contaminated"].items()}
        return Facts(contaminated=contaminated, controls=dict(kept["controls"]))
    facts = find_facts(dataset)
    with suppress(UserError):  # a store that can only be read from serves all the same
        write_json(path, asdict(facts))
    return facts


def find_facts(dataset: PairDataset) -> Facts:
    """Read every picture once, look for duplicates and train the controls."""
    pictures = read_pictures(dataset.pairs)
    contaminated = {
        name: found.rows for name, found in audit(dataset, pictures=pictures).contamination.items()
    }
    return Facts(contaminated=contaminated, controls=control_scores(dataset, pictures))


def _identity(dataset: PairDataset) -> str:
    posts = dataset.without_rationales.fingerprint
    return sha256(VERSION, posts, *(str(_size(pair.image)) for pair in dataset if pair.image))


def _size(image: Path) -> int:
    return image.stat().st_size if image.is_file() else -1
