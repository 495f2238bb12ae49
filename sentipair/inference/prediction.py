"""What a model says of a post, as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What one modality alone says.

    Attributes:
        label: the most probable class.
        probabilities: class name → probability.
    """

    label: str
    probabilities: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a model says of one post.

    Attributes:
        label: the most probable class; ``None`` where the model abstains.
        probabilities: class name → calibrated probability.
        confidence: the largest of them.
        text: what the text alone says; ``None`` without a text, or where the model reads none.
        image: what the picture alone says, in the same way.
        conflict: both say something, and not the same class.
        abstained: the confidence is below the threshold, or there was neither a text nor a usable picture.
        unusable: why the picture took no part, if it could not be used.
        truncated: how far the text was cut, if it was.
    """

    label: str | None
    probabilities: dict[str, float]
    confidence: float
    text: Opinion | None = None
    image: Opinion | None = None
    conflict: bool = False
    abstained: bool = False
    unusable: str | None = None
    truncated: str | None = None

    @property
    def sentence(self) -> str | None:
        """In words, how text and picture disagree; ``None`` where they do not."""
        if not (self.conflict and self.text and self.image):
            return None
        return f"Text and picture disagree: the text alone says {self.text.label}, the picture {self.image.label}."

    def to_dict(self) -> dict[str, Any]:
        """The attributes as plain values: what files, ``--json`` and the server give."""
        return asdict(self)
