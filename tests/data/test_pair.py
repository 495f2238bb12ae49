"""The first contract: pairs and data sets of pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sentipair.data.pair import Pair, PairDataset
from sentipair.errors import UserError

PAIRS = (
    Pair(id="a", text="one", label="y"),
    Pair(id="b", image=Path("b.jpg"), label="x"),
    Pair(id="c"),
)
DATASET = PairDataset(
    name="toy", classes=("x", "y"), pairs=PAIRS, splits={"train": ("b", "a"), "test": ("c",)}, problems=("p",)
)


def test_labels_counts_and_access() -> None:
    assert DATASET.label_indices() == [1, 0, -1]
    assert DATASET.counts() == {"x": 1, "y": 1}
    assert (len(DATASET), DATASET[1].id, [pair.id for pair in DATASET[1:]]) == (3, "b", ["b", "c"])
    assert DATASET.by_id["c"] is PAIRS[2]


def test_a_split_keeps_the_order_of_its_ids() -> None:
    part = DATASET.split("train")
    assert [pair.id for pair in part] == ["b", "a"]
    assert (part.classes, part.problems, dict(part.splits)) == (("x", "y"), (), {"train": ("b", "a")})


def test_a_missing_split_names_those_there_are() -> None:
    with pytest.raises(UserError, match=r"toy has no split 'validation' \(it has: train, test\)"):
        DATASET.split("validation")
    with pytest.raises(UserError, match="it has: none"):
        replace(DATASET, splits={}).split("train")


def test_repeated_ids_and_unknown_labels_are_refused() -> None:
    with pytest.raises(UserError, match="1 ids occur twice, the first is 'a'"):
        PairDataset(name="toy", classes=(), pairs=(Pair(id="a"), Pair(id="a")))
    with pytest.raises(UserError, match=r"labels \['y'\] are not among the classes \['x'\]"):
        PairDataset(name="toy", classes=("x",), pairs=PAIRS)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"variant": "other"},
        {"scheme": "other"},
        {"text_steps": ("collapse-blanks",)},
        {"classes": ("y", "x")},
        {"splits": {"train": ("a", "b"), "test": ("c",)}},
        {"pairs": PAIRS[:2]},
        {"pairs": (replace(PAIRS[0], text="two"), *PAIRS[1:])},
        {"pairs": (replace(PAIRS[0], label="x"), *PAIRS[1:])},
        {"pairs": (PAIRS[0], replace(PAIRS[1], image=None), PAIRS[2])},
    ],
)
def test_the_fingerprint_sees_every_change(change: dict[str, object]) -> None:
    assert replace(DATASET, **change).fingerprint != DATASET.fingerprint  # type: ignore[arg-type]


def test_the_fingerprint_ignores_where_pictures_lie_and_what_went_wrong() -> None:
    moved = tuple(replace(pair, image=Path("/x.jpg")) if pair.image else pair for pair in PAIRS)
    assert replace(DATASET, pairs=moved, problems=()).fingerprint == DATASET.fingerprint


def test_text_steps_and_classes_are_kept_apart_in_the_fingerprint() -> None:
    first = PairDataset(name="t", classes=("b", "c"), text_steps=("a",), pairs=())
    second = PairDataset(name="t", classes=("c",), text_steps=("a", "b"), pairs=())
    assert first.fingerprint != second.fingerprint
