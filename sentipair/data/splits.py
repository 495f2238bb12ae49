"""Splits: published ones, shipped as id lists and verified, and own ones that keep duplicates together."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from sentipair.data.duplicates import duplicate_groups, stamp
from sentipair.data.pair import SPLITS, Pair
from sentipair.errors import UserError
from sentipair.files import sha256

OWN = "own"
"""The scheme that splits the data at hand, instead of a published one."""

FOLDS = "folds-K/k"
"""How the schemes are written that split the data at hand into K folds, k of them the test: ``folds-5/1`` …"""

_FOLD = re.compile(r"folds-(\d{1,9})/(\d{1,9})")


def published_schemes(name: str) -> tuple[str, ...]:
    """The published splits of a data set: ``clmlf``, ``cheema-2021/1`` … ``cheema-2021/10``, or none."""
    return tuple(_published(name))


def published_split(name: str, scheme: str) -> Mapping[str, tuple[str, ...]]:
    """Ids per split, in the published order where there is one.

    ``clmlf``: the files of Li et al. (Findings of NAACL 2022), MVSA's sorted by label and HFM's in long runs of one.
    ``cheema-2021/k``: fold k of Cheema et al. (MMPT 2021), every id tested in exactly one fold; train is what the fold
    does not hold out.

    Raises:
        UserError: no such split, or the shipped list does not match its hash.
    """
    schemes = _published(name)
    if scheme not in schemes:
        known = ", ".join((*schemes, OWN, FOLDS))
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
    members: dict[str, list[str]] = {split: [] for split in SPLITS}
    seen: set[str | None] = set()
    done = 0
    for group in _groups(pairs, seed=seed):
        done += len(group)
        lacking = {s: f * done - len(members[s]) for s, f in zip(SPLITS, fractions, strict=True)}
        labels = {pair.label for pair in group}
        target = max(SPLITS, key=lacking.__getitem__) if labels <= seen else "train"
        members[target] += [pair.id for pair in group]
        seen |= labels
    return {split: tuple(sorted(ids)) for split, ids in members.items()}


def own_folds(pairs: Sequence[Pair], *, count: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """Cut the labelled pairs into ``count`` folds of ids, each of them in one, by class; duplicates stay together.

    The order of ``pairs`` does not matter. Groups of duplicates, ordered by class, go one by one to the smallest fold;
    so folds differ in the size of a class as far as its groups are large.

    Raises:
        UserError: fewer than three folds, which train, validation and test need, or too few posts for as many.
    """
    if count < 3:
        raise UserError(f"{count} folds are too few for train, validation and test; use 3 or more")
    groups = _groups(pairs, seed=seed)
    if len(groups) < count:
        raise UserError(
            f"{len(groups)} posts without duplicates are too few for {count} folds; use fewer folds"
        )
    folds: list[list[str]] = [[] for _ in range(count)]
    for group in groups:
        min(folds, key=len).extend(pair.id for pair in group)
    return tuple(tuple(sorted(fold)) for fold in folds)


def is_made_here(scheme: str) -> bool:
    """Whether a scheme splits the data at hand: ``own``, or folds such as ``folds-5/1``."""
    return scheme == OWN or _FOLD.fullmatch(scheme) is not None


def make_split(pairs: Sequence[Pair], scheme: str, *, seed: int) -> Mapping[str, tuple[str, ...]]:
    """The split of a scheme for which ``is_made_here`` holds.

    Of folds, number k is the test, the next one (after the last the first) validation, all others are train.

    Raises:
        UserError: there is no such fold, or the posts are too few.
    """
    found = _FOLD.fullmatch(scheme)
    if found is None:
        return own_split(pairs, seed=seed)
    count, number = map(int, found.groups())
    if not 1 <= number <= count:
        raise UserError(f"{scheme}: there is no fold {number} of {count}; use folds-{count}/1 … {count}")
    folds = own_folds(pairs, count=count, seed=seed)
    test, validation = number - 1, number % count
    train = sorted(i for place, fold in enumerate(folds) if place not in (test, validation) for i in fold)
    return {"train": tuple(train), "validation": folds[validation], "test": folds[test]}


def _groups(pairs: Sequence[Pair], *, seed: int) -> list[list[Pair]]:
    """The labelled pairs in groups of duplicates: by class, then the large ones first, then as the seed decides."""
    labelled = [pair for pair in pairs if pair.label is not None]
    numbers = _duplicate_groups(
        tuple((pair.id, pair.text, pair.image, stamp(pair.image)) for pair in labelled)
    )
    groups: dict[int, list[Pair]] = defaultdict(list)
    for pair, number in zip(labelled, numbers, strict=True):
        groups[number].append(pair)

    def place(group: list[Pair]) -> tuple[str, int, str]:
        votes = Counter(str(pair.label) for pair in group)
        label = min(votes, key=lambda name: (-votes[name], name))
        return label, -len(group), min(sha256(str(seed), pair.id) for pair in group)

    return sorted(groups.values(), key=place)


@lru_cache(maxsize=1)  # every fold of the same posts asks for them again, and hashing pictures takes long
def _duplicate_groups(posts: tuple[tuple[str, str, Path | None, object], ...]) -> list[int]:
    return duplicate_groups([Pair(id=key, text=text, image=image) for key, text, image, _ in posts])


def _published(name: str) -> dict[str, Any]:
    source = files("sentipair.data") / "published" / f"{name}.json"
    if not source.is_file():
        return {}
    schemes: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))["schemes"]
    return schemes
