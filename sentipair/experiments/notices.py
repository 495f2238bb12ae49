"""What a person is told before training: which data it is, and what of it takes no part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from shlex import quote

from sentipair.data import PairDataset
from sentipair.data.presence import some
from sentipair.evaluation.controls import telling
from sentipair.experiments.facts import Facts
from sentipair.features import FeatureTable
from sentipair.training.config import DataSettings

FEW = 50
"""With fewer test posts an accuracy is uncertain by 14 points or more either way."""


def about_data(dataset: PairDataset) -> list[str]:
    """A line with variant and counts, then one for everything that the reader missed or left out, and one for every
    class that a split lacks."""
    splits = ", ".join(f"{name} {len(ids):,}" for name, ids in dataset.splits.items())
    classes = ", ".join(f"{name} {count:,}" for name, count in dataset.counts().items())
    kind = ", ".join(dict.fromkeys((dataset.variant, dataset.scheme)))
    absent = [
        f"no {split} post is {name}; that counts as 0 in the macro F1 on {split}"
        for split in dataset.splits
        for name, count in dataset.split(split).counts().items()
        if count == 0
    ]
    tested = len(dataset.splits.get("test", ()))
    few = (
        [f"{tested} test posts are few for any score; `sentipair folds` tests every post"]
        if 0 < tested < FEW
        else []
    )
    return [
        f"{dataset.name} ({kind}): {len(dataset):,} posts; {splits}; {classes}",
        *dataset.problems,
        *absent,
        *few,
    ]


def about_facts(facts: Facts) -> list[str]:
    """A line for what each encoder was trained on, one for test posts that are also in training, and one for every
    control that goes too far."""
    lines = [
        f"an encoder was trained on {data}; {len(rows.get('test', ())):,} of the test posts are in there"
        for data, rows in facts.encoders.items()
    ]
    if twins := len(facts.contaminated.get("test", ())):
        where = "train, or in what an encoder was trained on" if facts.encoders else "train"
        lines.append(f"{twins:,} test posts are also in {where}; scores are given with and without them")
    return lines + telling(facts.controls)


def about_features(tables: Iterable[FeatureTable], data: DataSettings) -> list[str]:
    """A line for pictures that cannot be used, and one for texts that were cut, with counts, examples and reasons."""
    unusable: dict[str, str] = {}
    truncated: dict[str, str] = {}
    count = 0
    for table in tables:
        unusable |= table.unusable
        truncated |= table.truncated
        count += len(table)
    lines = []
    if unusable:
        root = f" --root {quote(data.root)}" if data.root else ""
        lines.append(
            f"{len(unusable):,} of {count:,} posts have a picture that cannot be used and counts as absent: "
            f"{_examples(unusable)}; all are listed by `sentipair data check {quote(data.source)}{root}`"
        )
    if truncated:
        lines.append(f"{len(truncated):,} of {count:,} texts were cut: {_examples(truncated)}")
    return lines


def _examples(reasons: Mapping[str, str]) -> str:
    return some(f"{pair_id} ({reason})" for pair_id, reason in reasons.items())
