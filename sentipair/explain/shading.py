"""How influence is shown: what speaks for the class in one colour, what speaks against it in the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sentipair.explain.explanation import Explanation
from sentipair.explain.positions import word_spans

PALE = 0.02
"""Two points of probability: where nothing in a post adds more, nothing has the full colour."""

FOR, AGAINST = "accent", "floor"
"""Roles of the colours in ``reporting.style``."""


class Piece(NamedTuple):
    """A piece of the text: a word with its shade and influence, or what stands between two words, without shade."""

    text: str
    shade: float | None
    influence: float


def shades(influence: Sequence[float]) -> list[float]:
    """Influence on a scale from −1 to 1, relative to the strongest or to ``PALE``, whichever is more."""
    full = max([PALE, *map(abs, influence)])
    return [value / full for value in influence]


def pieces_of(explanation: Explanation) -> list[Piece]:
    """The whole text in pieces; words that were not looked at have no shade."""
    text, position = explanation.text, 0
    pieces: list[Piece] = []
    values = [word.influence for word in explanation.words]
    for (start, end), value, shade in zip(word_spans(text), values, shades(values), strict=True):
        pieces += [Piece(text[position:start], None, 0.0), Piece(text[start:end], shade, value)]
        position = end
    return [piece for piece in (*pieces, Piece(text[position:], None, 0.0)) if piece.text]


def role(shade: float) -> str:
    """The colour of a shade."""
    return FOR if shade > 0 else AGAINST


def opinions(explanation: Explanation) -> dict[str, dict[str, float]]:
    """Who says what: together, and where they say something the text alone and the picture alone."""
    said = explanation.prediction
    found = {"together": said.probabilities}
    for name, opinion in (("text alone", said.text), ("picture alone", said.image)):
        if opinion:
            found[name] = opinion.probabilities
    return found
