"""What a run will take."""

from __future__ import annotations

import pytest

from sentipair.data import Pair
from sentipair.errors import UserError
from sentipair.rationales.asking import Tally
from sentipair.rationales.estimate import Price, estimate, forecast
from sentipair.rationales.questions import Inquiry, Key, Manner, Question


def inquiry(pair: Pair, *words: str) -> Inquiry:
    questions = tuple(Question(key=Key(pair.id, word, "m", "p"), words=word) for word in words)
    return Inquiry(pair=pair, questions=questions)


def test_tokens_by_hand(posts: list[Pair]) -> None:
    _, text, picture, _, damaged, large = posts
    asked = [
        inquiry(text, "a" * 40),  # 10 tokens
        inquiry(picture, "好" * 12, "b" * 4),  # 12 + 1 and a picture of 64 × 48 each
        inquiry(damaged, "c" * 8),  # 2, no picture
        inquiry(large, "d" * 4),  # 1 and 450 × 150
    ]
    manner = Manner(max_tokens=100, picture_side=450)
    guess = estimate(asked, manner=manner, price=Price(tokens_in=2, tokens_out=10), requests_per_minute=10)
    tokens = 10 + 12 + 1 + 2 * (64 * 48 / 784) + 2 + 1 + 450 * 150 / 784
    assert guess.questions == 5
    assert guess.tokens_in == round(tokens)
    assert guess.tokens_out == 500
    assert guess.cost == pytest.approx((2 * round(tokens) + 10 * 500) / 1e6)
    assert guess.minutes == 0.5
    assert guess.describe() == (
        "5 questions: about 120 tokens to send with pictures, at most 500 to get, about 0.0052 at the given price, "
        "at least 30 seconds"
    )


def test_many_posts_are_sampled() -> None:
    many = [inquiry(Pair(id=str(i)), "a" * 40) for i in range(1000)]
    guess = estimate(many, manner=Manner(), price=None, requests_per_minute=None)
    assert (guess.tokens_in, guess.cost, guess.minutes) == (10_000, None, None)
    assert guess.describe().endswith("at most 200,000 to get")


def test_the_forecast_scales_what_was_measured() -> None:
    tally = Tally(answered=20, tokens_in=8000, tokens_out=1000, seconds=10)
    assert forecast(tally, 2000, Price(tokens_in=1, tokens_out=4)) == (
        "the first 20 answers: 120 a minute, 400 tokens sent and 50 got for each; "
        "the other 2,000 will take about 17 minutes and 1.20"
    )
    assert forecast(tally, 20_000, None).endswith("will take about 2.8 hours")


@pytest.mark.parametrize("text", ["", "1", "1/2/3", "a/b", "-1/2", "nan/1", "1/inf"])
def test_a_wrong_price_is_one_line(text: str) -> None:
    with pytest.raises(UserError, match="price"):
        Price.parse(text)


def test_a_price() -> None:
    assert Price.parse("0.2/0.6").of(1_000_000, 500_000) == pytest.approx(0.5)
