"""What an explanation is, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from sentipair.encoders.preprocessing import Box
from sentipair.inference import Prediction

Method = Literal["occlusion", "feature-occlusion", "integrated-gradients"]


class Word(NamedTuple):
    """A word of the text, and how much it adds to the probability of the target."""

    text: str
    influence: float


class Region(NamedTuple):
    """A part of the picture, by its corners relative to it, and how much it adds to the probability of the target."""

    box: Box
    influence: float


@dataclass(frozen=True, kw_only=True)
class Influence:
    """What a method finds; ``unplaced`` is the share of features that belong to no single word or region."""

    words: tuple[Word, ...] = ()
    regions: tuple[Region, ...] = ()
    unplaced: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a model says what it says of one post.

    Attributes:
        prediction: what it says.
        target: the class that is explained.
        method: how the influence was found.
        text: the text as the model reads it.
        influence: of its words, in their order, and of the parts of the picture, row by row; in probability: 0.1 is ten
            points more for the target because of it, −0.1 ten points less.
        attention: the model's own weights: ``"words"`` (first character, last + 1, weight), ``"cells"`` or
            ``"regions"`` (corners, weight), and others without a place under ``"weights"``; empty where it has none.
    """

    prediction: Prediction
    target: str
    method: Method
    text: str
    influence: Influence
    attention: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> tuple[Word, ...]:
        """The words with their influence."""
        return self.influence.words

    @property
    def regions(self) -> tuple[Region, ...]:
        """The parts of the picture with their influence."""
        return self.influence.regions

    def to_dict(self) -> dict[str, Any]:
        """Plain values: what ``--json``, the server and the page give."""
        return {
            "label": self.prediction.label,
            "target": self.target,
            "method": self.method,
            "words": [word._asdict() for word in self.words],
            "regions": [{"box": list(box), "influence": influence} for box, influence in self.regions],
            "unplaced": self.influence.unplaced,
            "attention": self.attention,
            "prediction": self.prediction.to_dict(),
        }
