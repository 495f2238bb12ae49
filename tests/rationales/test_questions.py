"""Questions, keys and pictures as they are sent."""

from __future__ import annotations

import base64
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from sentipair.data import Pair
from sentipair.rationales.prompts import (
    CHINESE,
    ENGLISH,
    VERDICT,
    is_refusal,
    question,
    read_verdict,
    wording_for,
)
from sentipair.rationales.questions import Manner, data_url, inquire, post_hash

CLASSES = ("positive", "neutral", "negative")


def test_a_question_names_one_polarity_and_the_text_as_it_is() -> None:
    asked = question("negative", text="a {polarity} {text}", polarities=CLASSES)
    assert "Take the post to be negative." in asked
    assert asked.endswith("Text of the post: a {polarity} {text}")
    assert "positive" not in asked
    assert question("negative", text="", polarities=CLASSES).endswith("Text of the post: (none)")


def test_a_verdict_names_all_classes() -> None:
    assert "positive / neutral / negative?" in question(VERDICT, text="x", polarities=CLASSES)
    chinese = question(VERDICT, text="今天 很 开心", polarities=(*CLASSES, "愤怒"))
    assert "积极 / 中性 / 消极 / 愤怒" in chinese


@pytest.mark.parametrize(
    ("text", "wording"),
    [
        ("今天 so happy", CHINESE),
        ("what a day", ENGLISH),
        ("", ENGLISH),
        ("今日は楽しい", ENGLISH),
        ("qué día", ENGLISH),
    ],
)
def test_the_language_is_that_of_the_post(text: str, wording: object) -> None:
    assert wording_for(text) is wording


@pytest.mark.parametrize(
    ("answer", "classes", "verdict"),
    [
        ("positive", CLASSES, "positive"),
        ("**Negative.**", CLASSES, "negative"),
        ("消极", CLASSES, "negative"),
        ("The sentiment is neutral, quite neutral", CLASSES, "neutral"),
        ("positive or neutral", CLASSES, None),
        ("nonpositive", CLASSES, None),
        ("", CLASSES, None),
        ("Not sarcastic", ("not sarcastic", "sarcastic"), "not sarcastic"),
        ("sarcastic!", ("not sarcastic", "sarcastic"), "sarcastic"),
        ("不讽刺", ("not sarcastic", "sarcastic"), "not sarcastic"),
        ("Non-sarcastic", ("not sarcastic", "sarcastic"), "not sarcastic"),
        ("It isn’t really sarcastic.", ("not sarcastic", "sarcastic"), "not sarcastic"),
        ("不是讽刺", ("not sarcastic", "sarcastic"), "not sarcastic"),
        ("non-negative", CLASSES, None),
        ("非消极", CLASSES, None),
        ("Not positive but negative", CLASSES, "negative"),
        ("No, it is negative", CLASSES, "negative"),
        ("C++ (a)", ("c++ (a)", "b"), "c++ (a)"),
    ],
)
def test_a_verdict_is_read_if_it_is_one(answer: str, classes: tuple[str, ...], verdict: str | None) -> None:
    assert read_verdict(answer, classes) == verdict


def test_a_refusal_is_short_and_begins_as_one() -> None:
    assert is_refusal("I cannot assist with that.")
    assert is_refusal("Sorry, no.")
    for answer in (
        "I'm not able to help with that.",
        "Unfortunately, I can't assist with this picture.",
        "I won't help with this.",
        "I do not feel comfortable saying so.",
        "很遗憾，我无法回答。",
    ):
        assert is_refusal(answer)
    assert not is_refusal("Sorry! The dog looks so cute that I cannot stop smiling")
    assert not is_refusal("I cannot see gloom here: " + "the sun shines, " * 30)
    assert not is_refusal("The author says: I can't wait!")
    assert not is_refusal(
        "I can't stop smiling at this bright picnic; the word 'wonderful' and the sun work together."
    )


def test_the_key_depends_on_all_that_shapes_the_answer(posts: list[Pair], tmp_path: Path) -> None:
    both = posts[0]
    other_picture = tmp_path / "other.png"
    Image.new("RGB", (8, 8)).save(other_picture)

    def key(pair: Pair = both, model: str = "m", asked: str = "positive", **manner: int) -> object:
        made = inquire([pair], polarities=CLASSES, asked=[asked], model=model, manner=Manner(**manner))
        return made[0].questions[0].key

    same = replace(both, id="another id", label=None)
    assert key(same) == key()
    others = [
        key(replace(both, text="other")),
        key(replace(both, image=None)),
        key(replace(both, image=other_picture)),
        key(model="n"),
        key(asked="negative"),
        key(asked=VERDICT),
        key(max_tokens=100),
        key(picture_side=512),
        key(replace(both, text="今天")),
    ]
    assert len({key(), *others}) == len(others) + 1
    assert post_hash(Pair(id="x", text="t", image=tmp_path / "absent.png")) == post_hash(
        Pair(id="x", text="t")
    )


def test_all_questions_about_a_verdict_share_the_choice(posts: list[Pair]) -> None:
    manner = Manner()
    assert manner.prompt_hash("x", VERDICT, ("a", "b")) != manner.prompt_hash("x", VERDICT, ("a", "c"))
    assert manner.prompt_hash("x", "a", ("a", "b")) == manner.prompt_hash("y", "a", ("a", "c"))


def test_a_picture_is_sent_small(posts: list[Pair]) -> None:
    large = data_url(posts[5], 448)
    assert large is not None
    head, _, body = large.partition(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(BytesIO(base64.b64decode(body))) as picture:
        assert (picture.format, picture.size) == ("JPEG", (448, 149))
    small = data_url(posts[0], 448)
    assert small is not None
    with Image.open(BytesIO(base64.b64decode(small.partition(",")[2]))) as picture:
        assert picture.size == (64, 48)  # never enlarged
    assert data_url(posts[1], 448) is None  # no picture
    assert data_url(posts[4], 448) is None  # a damaged one
