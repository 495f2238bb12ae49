"""Rationales from a word list and the look of a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sentipair.data import Pair
from sentipair.data.images import UnreadableImageError
from sentipair.data.pair import Post
from sentipair.rationales.lexicon import (
    compose,
    find_evidence,
    lexicon_rationales,
    lexicon_verdict,
    polarities_of,
)
from sentipair.rationales.pictures import Look, look_at, look_at_all, traits

SENTIMENTS = ("positive", "neutral", "negative")


def one(pair: Pair) -> dict[str, str]:
    (given,) = lexicon_rationales([pair], SENTIMENTS)
    return given


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("I love it", "positive"),
        ("I hate it", "negative"),
        ("the book is not good", "negative"),
        ("a table", "neutral"),
        ("", "neutral"),
        ("😂", "positive"),
        (":(", "negative"),
        ("今天", "neutral"),
    ],
)
def test_the_verdict_is_vaders(text: str, verdict: str) -> None:
    assert lexicon_verdict(text) == verdict


def test_evidence_counts_where_it_stands() -> None:
    plain, negated, loud = (find_evidence(text) for text in ("a bad day", "not a bad day", "a BAD day"))
    assert plain.valences["bad"] == pytest.approx(-2.5)  # as in the word list
    assert negated.valences["not bad"] == pytest.approx(-2.5 * -0.74)  # turned by VADER's scalar
    assert loud.valences["bad"] == pytest.approx(-2.5 - 0.733)  # capitals among small letters
    assert (plain.words, plain.for_polarity("positive"), plain.for_polarity("negative")) == (3, [], ["bad"])
    assert find_evidence("happy days 😂 !!!").valences.keys() == {"happy", "tears", "joy"}


def test_words_come_strongest_first_and_not_too_many() -> None:
    text = "fine good great superb love happy nice best"
    words = find_evidence(text).for_polarity("positive")
    valences = find_evidence(text).valences
    assert len(words) == 6
    assert [valences[word] for word in words] == sorted(valences.values(), reverse=True)[:6]


def test_each_polarity_gets_its_own_evidence(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (255, 210, 60)).save(tmp_path / "sun.png")
    given = one(Pair(id="a", text="lovely sun, sad farewell", image=tmp_path / "sun.png"))
    assert given == {
        "positive": "The post can be read as positive. The text is strongly positive in lovely. "
        "The picture is bright, vivid in its colours, warm in tone.",
        "neutral": "The post can be read as neutral. Many words of the text carry no feeling. "
        "The picture is soft in contrast.",
        "negative": "The post can be read as negative. The text is clearly negative in sad. "
        "The look of the picture is not negative.",
    }  # fmt: skip


def test_a_post_may_lack_either(tmp_path: Path) -> None:
    (tmp_path / "damaged.png").write_bytes(b"x")
    without = one(Pair(id="a", text="a table"))
    assert without == one(Pair(id="b", text="a table", image=tmp_path / "damaged.png"))
    assert without["positive"].endswith("No word of the text is positive. There is no picture.")
    assert without["neutral"].endswith("No word of the text carries a feeling. There is no picture.")
    assert "There is no text." in one(Pair(id="a", image=tmp_path / "damaged.png"))["neutral"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("happy hate", "The feelings in the text balance each other."),
        ("one good word in a long row of others", "Most words of the text carry no feeling."),
        ("good words here", "Many words of the text carry no feeling."),
        ("love happy hate good", "Few words of the text carry no feeling."),
    ],
)
def test_neutral_words_by_degree(text: str, said: str) -> None:
    assert said in compose("neutral", find_evidence(text), None)


def test_one_at_a_time_or_together_is_the_same(posts: list[Pair]) -> None:
    together = list(lexicon_rationales(posts, SENTIMENTS))
    assert together == [one(pair) for pair in posts]


def test_a_picture_that_is_no_file_is_seen_as_well(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (255, 210, 60)).save(tmp_path / "sun.png")
    shown = one(Pair(id="a", text="lovely", image=tmp_path / "sun.png"))
    assert one(Post(id="a", text="lovely", opened=(tmp_path / "sun.png").read_bytes())) == shown
    assert one(Post(id="a", text="lovely", opened=Image.open(tmp_path / "sun.png"))) == shown


def test_other_classes_get_the_three_sentiments() -> None:
    assert polarities_of(("positive", "negative")) == ("positive", "negative")
    assert polarities_of(("not sarcastic", "sarcastic")) == SENTIMENTS


def test_a_look_against_arithmetic_by_hand(tmp_path: Path) -> None:
    """Left half pure red, right half middle grey."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, :32] = (255, 0, 0)
    pixels[:, 32:] = 128
    Image.fromarray(pixels).save(tmp_path / "two.png")
    red, grey = 0.299, 128 / 255
    expected = Look((red + grey) / 2, (grey - red) / 2, 0.5, 0.5)
    assert look_at(tmp_path / "two.png") == pytest.approx(expected, abs=1e-6)


def test_looks_of_what_cannot_be_seen(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "black.png")
    assert list(look_at_all([None, tmp_path / "absent.png", tmp_path / "black.png"])) == [
        None, None, Look(0, 0, 0, 0),
    ]  # fmt: skip
    with pytest.raises(UnreadableImageError):
        look_at(tmp_path / "absent.png")


def test_traits_at_the_ends_of_the_scales() -> None:
    low = [trait.words for trait in traits(Look(0, 0, 0, -1))]
    high = [trait.words for trait in traits(Look(1, 0.5, 1, 1))]
    assert low == ["dark", "soft in contrast", "pale in its colours", "cool in tone"]
    assert high == ["bright", "hard in contrast", "vivid in its colours", "warm in tone"]
    assert {p for look in (Look(0.45, 0.2, 0.25, 0.05),) for t in traits(look) for p in t.speaks_for} == {
        "neutral"
    }
