"""Leaving out words and covering parts of the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sentipair.data.pair import Pair, Post
from sentipair.explain.occlusion import SIDE, cover, occlusion, opened, remove
from sentipair.explain.positions import MOST_WORDS, word_spans


def test_the_influence_is_the_weight(adds, white_corner):
    found = occlusion(adds, Post(id="a", text="a good day, bad  fine", opened=white_corner), "yes")
    assert [word.text for word in found.words] == ["a", "good", "day,", "bad", "fine"]
    assert [word.influence for word in found.words] == pytest.approx([0, 0.2, 0, -0.15, 0.05])
    assert len(found.regions) == 49
    first, *others = found.regions
    assert first.box == pytest.approx((0, 0, 1 / 7, 1 / 7))
    assert first.influence == pytest.approx(0.1 * (1 - 5 / 255))  # covered with the mean, 1/49 of white
    assert [region.influence for region in others] == pytest.approx([0] * 48, abs=1e-3)


def test_against_the_other_class_the_influence_turns_around(adds):
    found = occlusion(adds, Pair(id="a", text="good bad"), "no")
    assert [word.influence for word in found.words] == pytest.approx([-0.2, 0.15])


def test_what_is_not_there_has_no_influence(adds, tmp_path: Path, white_corner):
    assert occlusion(adds, Pair(id="a"), "yes").words == ()
    assert occlusion(adds, Pair(id="a", text="good"), "yes").regions == ()
    (one,) = occlusion(adds, Pair(id="a", text=" good "), "yes").words
    assert (one.text, one.influence) == ("good", pytest.approx(0.2))
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    assert occlusion(adds, Pair(id="a", text="good", image=tmp_path / "broken.jpg"), "yes").regions == ()
    assert len(occlusion(adds, Post(id="a", opened=white_corner), "yes").regions) == 49


def test_words_are_runs_of_letters_or_single_characters_of_unspaced_scripts():
    def words(text: str) -> list[str]:
        return [text[slice(*span)] for span in word_spans(text)]

    assert words("It's #sunny 🎉!") == ["It's", "#sunny", "🎉!"]
    assert words("今天 ok好") == ["今", "天", "ok", "好"]
    assert words(" \n") == []
    assert len(words("a " * 1000)) == MOST_WORDS


def test_only_what_is_named_is_removed(white_corner):
    post = Post(id="a", text="one two three", opened=white_corner)
    assert remove(post, words=[(8, 13), (0, 3)]).text == " two "
    covered = np.asarray(remove(post, boxes=[(0.5, 0.5, 1, 1)]).picture)
    assert (covered[:35] == np.asarray(white_corner)[:35]).all()
    assert (covered[35:, 35:] == covered[35, 35]).all()
    assert 0 < covered[40, 40, 0] < 20
    assert white_corner.getpixel((60, 60)) == (0, 0, 0)


def test_the_whole_picture_can_be_covered_whatever_its_size():
    for size in ((1, 1), (3, 50), (640, 7)):
        picture = Image.new("RGB", size, (10, 20, 30))
        assert cover(picture, [(0, 0, 1, 1)]).getcolors() == [(size[0] * size[1], (10, 20, 30))]


def test_large_pictures_are_reduced():
    picture = Image.new("RGB", (2 * SIDE, SIDE))
    assert opened(Post(id="a", opened=picture)).opened.size == (SIDE, SIDE // 2)
    assert picture.size == (2 * SIDE, SIDE)
