"""Finding the posts of a training again by their hashes alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sentipair.data import Pair, PairDataset
from sentipair.data.duplicates import read_pictures
from sentipair.data.traces import TRACES, Traces, read_traces, write_traces
from sentipair.errors import UserError


@pytest.fixture
def dataset(tmp_path: Path) -> PairDataset:
    """A post each in training, validation and test, and two of one colour in training."""
    for number in range(3):
        grey = np.random.default_rng(number).integers(0, 256, (9, 9), dtype=np.uint8)
        Image.fromarray(grey).resize((90, 90)).save(tmp_path / f"{number}.png")
    Image.new("L", (50, 50), 90).save(tmp_path / "plain.png")
    pairs = (
        Pair(id="a", text="What a day! https://t.co/one", image=tmp_path / "0.png", label="x"),
        Pair(id="b", text="rain again", image=tmp_path / "1.png", label="y"),
        Pair(id="c", text="only in test", image=tmp_path / "2.png", label="x"),
        Pair(id="d", text="", image=tmp_path / "plain.png", label="y"),
        Pair(id="e", text="...", image=None, label="y"),
    )
    splits = {"train": ("a", "d", "e"), "validation": ("b",), "test": ("c",)}
    return PairDataset(
        name="posts", variant="v", scheme="s", classes=("x", "y"), pairs=pairs, splits=splits, problems=()
    )


def test_posts_are_found_by_letters_or_by_a_similar_picture(dataset: PairDataset, tmp_path: Path) -> None:
    traces = Traces.of(dataset, read_pictures(dataset))
    assert traces.data == "posts (v, s)"
    assert len(traces.texts) == len(traces.pictures) == 2
    smaller = tmp_path / "smaller.jpg"
    with Image.open(tmp_path / "1.png") as image:
        image.resize((70, 70)).save(smaller, quality=80)
    asked = (
        Pair(id="address and marks", text="what a DAY https://t.co/two"),
        Pair(id="picture of validation", text="something else", image=smaller),
        Pair(id="both", text="Rain again.", image=tmp_path / "0.png"),
        Pair(id="of test", text="only in test", image=tmp_path / "2.png"),
        Pair(id="nothing to compare", text="", image=tmp_path / "plain.png"),
        Pair(id="marks alone", text="!!!"),
        Pair(id="missing picture", text="new", image=tmp_path / "none.png"),
    )
    found = traces.found_in(asked, read_pictures(asked))
    assert found == {"address and marks", "picture of validation", "both"}
    assert traces.found_in((), {}) == set()


def test_they_hold_no_text_and_are_read_as_written(dataset: PairDataset, tmp_path: Path) -> None:
    first = Traces.of(dataset, read_pictures(dataset))
    other = Traces.of(replace(dataset, name="others"), {})
    write_traces(tmp_path, [first, other])
    assert "rain" not in (tmp_path / TRACES).read_text(encoding="utf-8")
    assert read_traces(tmp_path) == [first, other]
    assert other.pictures == ()
    assert read_traces(tmp_path / "elsewhere") == []


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "3",
        '{"data": 1}',
        "[1]",
        '[{"data": "x", "version": 2}]',
        '[{"data": "x", "texts": [], "pictures": 3}]',
    ],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, damage: str) -> None:
    (tmp_path / TRACES).write_text(damage, encoding="utf-8")
    with pytest.raises(UserError, match=f"{TRACES} is damaged; export the encoder again"):
        read_traces(tmp_path)


def test_hashes_of_an_older_version_are_not_taken_for_nothing_in_common(tmp_path: Path) -> None:
    (tmp_path / TRACES).write_text('[{"data": "x", "texts": ["ab"], "pictures": []}]', encoding="utf-8")
    with pytest.raises(UserError, match="written by another version of sentipair; export the encoder again"):
        read_traces(tmp_path)
