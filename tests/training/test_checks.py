"""Data that nothing can be learned from is refused before anything is computed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sentipair.data import Pair, PairDataset
from sentipair.errors import UserError
from sentipair.training.checks import check_trainable


def dataset(
    labels: str = "abab", *, train: str = "01", validation: str = "23", scheme: str = "as-given"
) -> PairDataset:
    pairs = tuple(Pair(id=str(i), text="x", label=None if c == "-" else c) for i, c in enumerate(labels))
    splits = {name: tuple(ids) for name, ids in (("train", train), ("validation", validation)) if ids}
    return PairDataset(name="posts.csv", classes=("a", "b"), pairs=pairs, splits=splits, scheme=scheme)


def test_two_classes_and_two_splits_are_enough() -> None:
    check_trainable(dataset())
    check_trainable(dataset("abaa"))  # a class that validation lacks


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (dataset(validation=""), "no validation split; mark posts for it in the column split"),
        (dataset(train=""), "no train split; mark posts"),
        (replace(dataset(), splits={"train": ("0", "1"), "validation": ()}), "no validation split"),
        (dataset(validation="", scheme="own/seed=0"), "4 posts are too few for three splits"),
        (dataset("a-ab"), "1 of 2 posts of the train split have no label"),
        (dataset("ab--"), "2 of 2 posts of the validation split have no label"),
        (dataset("aaab"), "all training posts are 'a'; a classifier needs two classes"),
    ],
)
def test_the_rest_is_refused_in_one_line(data: PairDataset, expected: str) -> None:
    with pytest.raises(UserError) as error:
        check_trainable(data)
    assert expected in str(error.value)
    assert str(error.value).startswith("posts.csv")
