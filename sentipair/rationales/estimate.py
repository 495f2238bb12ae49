"""What asking a model will cost and how long it will take: guessed before the first question, measured after a few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sentipair.data.images import read_header
from sentipair.errors import UserError
from sentipair.rationales.asking import Tally
from sentipair.rationales.questions import Inquiry, Manner

SAMPLE = 200
"""Posts that a guess looks at."""

PIXELS_PER_TOKEN = 28 * 28
"""Of a picture, as Qwen2.5-VL cuts it; other models take from half to twice as many tokens."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """Per million tokens, in whatever currency."""

    tokens_in: float
    tokens_out: float

    @classmethod
    def parse(cls, text: str) -> Price:
        """``"0.2/0.6"``: of what is sent, and of what is answered.

        Raises:
            UserError: another form.
        """
        try:
            tokens_in, tokens_out = map(float, text.split("/"))
        except ValueError as error:
            raise UserError(
                f"price {text!r}: write INPUT/OUTPUT per million tokens, such as 0.2/0.6"
            ) from error
        if not (0 <= tokens_in < float("inf") and 0 <= tokens_out < float("inf")):
            raise UserError(f"price {text!r}: prices are numbers from 0")
        return cls(tokens_in=tokens_in, tokens_out=tokens_out)

    def of(self, tokens_in: float, tokens_out: float) -> float:
        """What so many tokens cost."""
        return (self.tokens_in * tokens_in + self.tokens_out * tokens_out) / 1_000_000


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a run will take.

    Attributes:
        questions: how many will be asked.
        tokens_in: of all questions with their pictures; guessed from their length and size.
        tokens_out: of all answers, if each were as long as it may be.
        cost: at the price that was given.
        minutes: at least, where the requests per minute are limited.
    """

    questions: int
    tokens_in: int
    tokens_out: int
    cost: float | None
    minutes: float | None

    def describe(self) -> str:
        """One line for a person."""
        cost = "" if self.cost is None else f", about {money(self.cost)} at the given price"
        time = "" if self.minutes is None else f", at least {_duration(60 * self.minutes)}"
        return (
            f"{self.questions:,} questions: about {self.tokens_in:,} tokens to send with pictures, "
            f"at most {self.tokens_out:,} to get{cost}{time}"
        )


def estimate(
    inquiries: Sequence[Inquiry], *, manner: Manner, price: Price | None, requests_per_minute: float | None
) -> Estimate:
    """Guess from at most ``SAMPLE`` of the posts, evenly chosen."""
    questions = sum(len(inquiry.questions) for inquiry in inquiries)
    sample = inquiries[:: max(1, len(inquiries) // SAMPLE)]
    sampled = sum(len(inquiry.questions) for inquiry in sample)
    tokens = sum(_tokens(inquiry, manner) for inquiry in sample)
    tokens_in = round(questions * tokens / sampled) if sampled else 0
    tokens_out = questions * manner.max_tokens
    return Estimate(
        questions=questions,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost=None if price is None else price.of(tokens_in, tokens_out),
        minutes=None if requests_per_minute is None else questions / requests_per_minute,
    )


def forecast(tally: Tally, left: int, price: Price | None) -> str:
    """Time and cost of what is ``left``, from what the first answers took."""
    share = left / tally.answered
    rate = 60 * tally.answered / tally.seconds
    cost = "" if price is None else f" and {money(share * price.of(tally.tokens_in, tally.tokens_out))}"
    return (
        f"the first {tally.answered} answers: {rate:,.0f} a minute, "
        f"{tally.tokens_in // tally.answered:,} tokens sent and {tally.tokens_out // tally.answered:,} got for each; "
        f"the other {left:,} will take about {_duration(share * tally.seconds)}{cost}"
    )


def money(amount: float) -> str:
    """An amount to the cent, or to two digits where it is less than ten cents."""
    return f"{amount:,.2f}" if amount >= 0.1 else f"{amount:.2g}"


def _tokens(inquiry: Inquiry, manner: Manner) -> float:
    picture = _picture_tokens(inquiry.pair.image, manner.picture_side)
    return sum(picture + _text_tokens(question.words) for question in inquiry.questions)


def _text_tokens(text: str) -> float:
    """A token per Chinese character, one per four others."""
    return sum(1 if character >= "\u2e80" else 0.25 for character in text)


def _picture_tokens(path: Path | None, side: int) -> float:
    try:
        header = read_header(path.read_bytes()) if path else None
    except (OSError, ValueError, Image.DecompressionBombError):  # it will be asked about without its picture
        return 0
    if header is None:
        return 0
    scale = min(1.0, side / max(header.width, header.height))
    return header.width * header.height * scale**2 / PIXELS_PER_TOKEN


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
