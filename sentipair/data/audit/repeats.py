"""Posts that occur more than once, within a split and across splits, and the test rows this spoils."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sentipair.data.duplicates import linked
from sentipair.data.pair import Pair

Links = Sequence[tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """What one criterion finds.

    Attributes:
        kind: ``"text"`` or ``"picture"``.
        level: how alike: a level of ``text_key``, or ``"identical"`` bytes, or ``"similar"`` looks.
        groups: ids of every group of two or more pairs.
        conflicting: ids of those groups whose pairs carry different labels.
        extra: split → copies beyond the first of each group within that split.
        across: ``(split, other)`` → pairs of ``split`` that have a twin in ``other``, an earlier split.
    """

    kind: str
    level: str
    groups: tuple[tuple[str, ...], ...]
    conflicting: tuple[tuple[str, ...], ...]
    extra: dict[str, int]
    across: dict[tuple[str, str], int]


@dataclass(frozen=True, kw_only=True)
class Contamination:
    """Rows of a split that are also in the training split, as ids in the order of the split.

    Attributes:
        by_picture: the near-identical picture is in the training split.
        by_text: the exact text is in the training split.
        clean: the other rows.
    """

    by_picture: tuple[str, ...]
    by_text: tuple[str, ...]
    clean: tuple[str, ...]

    @property
    def rows(self) -> tuple[str, ...]:
        """The union of both kinds."""
        pictures = set(self.by_picture)
        return self.by_picture + tuple(i for i in self.by_text if i not in pictures)


def find_duplicates(
    pairs: Sequence[Pair], links: Links, *, kind: str, level: str, splits: Mapping[str, Sequence[str]]
) -> Duplicates:
    """Group ``pairs`` by ``links`` (index pairs) and count the groups within and across ``splits``."""
    members: dict[int, list[Pair]] = defaultdict(list)
    for pair, number in zip(pairs, linked(len(pairs), links), strict=True):
        members[number].append(pair)
    groups = [group for group in members.values() if len(group) > 1]
    home = {i: name for name, ids in splits.items() for i in ids}
    extra = dict.fromkeys(splits, 0)
    across = {(later, earlier): 0 for earlier, later in combinations(splits, 2)}
    for group in groups:
        places = [home[pair.id] for pair in group if pair.id in home]
        for place in set(places):
            extra[place] += places.count(place) - 1
        for later, earlier in across:
            if earlier in places:
                across[later, earlier] += places.count(later)
    return Duplicates(
        kind=kind,
        level=level,
        groups=tuple(_ids(group) for group in groups),
        conflicting=tuple(_ids(group) for group in groups if len({p.label for p in group if p.label}) > 1),
        extra=extra,
        across=across,
    )


def contamination(
    splits: Mapping[str, Sequence[str]], by_picture: Duplicates, by_text: Duplicates
) -> dict[str, Contamination]:
    """The rows of every other split with a twin in the training split; empty without a training split."""
    train = set(splits.get("train", ()))

    def spoiled(found: Duplicates, ids: Sequence[str]) -> tuple[str, ...]:
        twins = {i for group in found.groups if train.intersection(group) for i in group}
        return tuple(i for i in ids if i in twins)

    found = {}
    for name, ids in splits.items():
        if train and name != "train":
            pictures, texts = spoiled(by_picture, ids), spoiled(by_text, ids)
            both = {*pictures, *texts}
            clean = tuple(i for i in ids if i not in both)
            found[name] = Contamination(by_picture=pictures, by_text=texts, clean=clean)
    return found


def _ids(group: Sequence[Pair]) -> tuple[str, ...]:
    return tuple(pair.id for pair in group)
