"""What a person is told of the data before training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sentipair.data import load_dataset
from sentipair.experiments.notices import about_data

REMEDY = "`sentipair folds` tests every post"


def test_a_class_that_a_split_lacks_is_named(sample_posts: Path) -> None:
    posts = load_dataset(sample_posts)
    assert about_data(posts)[1:] == [f"{len(posts.split('test'))} test posts are few for any score; {REMEDY}"]
    neutral = {pair.id for pair in posts.split("test") if pair.label == "neutral"}
    assert neutral
    rest = tuple(id_ for id_ in posts.splits["test"] if id_ not in neutral)
    lacking = replace(posts, splits={**posts.splits, "test": rest})
    assert about_data(lacking)[1:] == [
        "no test post is neutral; that counts as 0 in the macro F1 on test",
        f"{len(rest)} test posts are few for any score; {REMEDY}",
    ]
    many = replace(posts, splits={"test": tuple(pair.id for pair in posts)})
    assert len(about_data(many)) == 1
