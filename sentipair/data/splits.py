"""Splits: published ones, shipped as id lists and verified, and own ones that keep duplicates together."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from sentipair.data.duplicates import duplicate_groups
from sentipair.data.pair import SPLITS, Pair
from sentipair.errors import UserError
from sentipair.files import sha256

OWN = "own"
"""The scheme that splits the data at hand, instead of a published one."""


def published_schemes(name: str) -> tuple[str, ...]:
    """The published splits of a data set: ``clmlf``, ``cheema-2021/1`` … ``cheema-2021/10``, or none."""
    return tuple(_published(name))


def published_split(name: str, scheme: str) -> Mapping[str, tuple[str, ...]]:
    """Ids per split, in the published order where there is one.

    ``clmlf``: the files of Li et al. (Findings of NAACL 2022), sorted by label. ``cheema-2021/k``: fold k of
    Cheema et al. (MMPT 2021), every id tested in exactly one fold; train is what the fold does not hold out.

    Raises:
        UserError: no such split, or the shipped list does not match its hash.
    """
    schemes = _published(name)
    if scheme not in schemes:
        known = ", ".join((*schemes, OWN))
        raise UserError(f"{name} has no split scheme {scheme!r}; choose from {known}")
    listed = {split: tuple(schemes[scheme][split].split()) for split in SPLITS if split in schemes[scheme]}
    if "train" not in listed:
        everywhere = {
            i for entry in schemes.values() for split in SPLITS for i in entry.get(split, "").split()
        }
        held_out = {*listed["validation"], *listed["test"]}
        listed["train"] = tuple(sorted(everywhere - held_out, key=int))
    split_ids = {split: listed[split] for split in SPLITS}
    if split_hash(split_ids) != schemes[scheme]["sha256"]:
        raise UserError(f"the shipped split {scheme} of {name} is damaged; reinstall sentipair")
    return split_ids


def split_hash(split_ids: Mapping[str, Sequence[str]]) -> str:
    """SHA-256 of the ids of train, validation and test, in this order."""
    return sha256(*(part for split in SPLITS for part in (split, *split_ids[split])))


def own_split(
    pairs: Sequence[Pair], *, seed: int, fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
) -> Mapping[str, tuple[str, ...]]:
    """Split into train, validation and test by class; posts that are duplicates of each other stay together.

    The order of ``pairs`` does not matter, only their ids, labels and contents. Groups of duplicates, ordered
    by class, go one by one to the split that lacks most; so each class keeps the fractions up to rounding, as
    far as its groups are small. The first group of a class always goes to train: a class with one group is
    learnt but never tested, and a set of a few pairs leaves validation or test empty. Pairs without a label
    belong to no split.

    Raises:
        UserError: the fractions are negative or do not add up to 1.
    """
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise UserError(
            f"split fractions {fractions} must not be negative and add up to 1, such as 0.8 0.1 0.1"
        )
    labelled = [pair for pair in pairs if pair.label is not None]
    groups: dict[int, list[Pair]] = defaultdict(list)
    for pair, number in zip(labelled, duplicate_groups(labelled), strict=True):
        groups[number].append(pair)

    def place(group: list[Pair]) -> tuple[str, int, str]:
        votes = Counter(str(pair.label) for pair in group)
        label = min(votes, key=lambda name: (-votes[name], name))
        return label, -len(group), min(sha256(str(seed), pair.id) for pair in group)

    members: dict[str, list[str]] = {split: [] for split in SPLITS}
    seen: set[str | None] = set()
    done = 0
    for group in sorted(groups.values(), key=place):
        done += len(group)
        lacking = {s: f * done - len(members[s]) for s, f in zip(SPLITS, fractions, strict=True)}
        labels = {pair.label for pair in group}
        target = max(SPLITS, key=lacking.__getitem__) if labels <= seen else "train"
        members[target] += [pair.id for pair in group]
        seen |= labels
    return {split: tuple(sorted(ids)) for split, ids in members.items()}


def _published(name: str) -> dict[str, Any]:
    source = files("sentipair.data") / "published" / f"{name}.json"
    if not source.is_file():
        return {}
    schemes: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))["schemes"]
    return schemes
