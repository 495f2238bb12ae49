"""Label fusion against tables written out by hand."""

from __future__ import annotations

import pytest

from sentipair.data.labels import FUSION_RULES, agree_only, majority, of_image, of_text, polarity_wins


@pytest.mark.parametrize(
    ("text", "image", "wins", "agrees"),
    [
        ("positive", "positive", "positive", "positive"),
        ("positive", "neutral", "positive", None),
        ("positive", "negative", None, None),
        ("neutral", "positive", "positive", None),
        ("neutral", "neutral", "neutral", "neutral"),
        ("neutral", "negative", "negative", None),
        ("negative", "positive", None, None),
        ("negative", "neutral", "negative", None),
        ("negative", "negative", "negative", "negative"),
    ],
)
def test_all_nine_combinations(text: str, image: str, wins: str | None, agrees: str | None) -> None:
    assert polarity_wins(text, image) == wins
    assert agree_only(text, image) == agrees
    assert (of_text(text, image), of_image(text, image)) == (text, image)


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ("aab", "a"),
        ("baa", "a"),
        ("aaa", "a"),
        ("abc", None),
        ("a", "a"),
        ("ab", None),
        ("aabb", None),
        ("", None),
    ],
)
def test_majority_is_more_than_half(votes: str, expected: str | None) -> None:
    assert majority(list(votes)) == expected


def test_rules_are_known_by_name_and_polarity_wins_is_first() -> None:
    assert list(FUSION_RULES.items()) == [
        ("polarity-wins", polarity_wins),
        ("agree-only", agree_only),
        ("text-label", of_text),
        ("image-label", of_image),
    ]
