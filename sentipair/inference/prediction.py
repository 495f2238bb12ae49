"""What a model says of a post, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sentipair.data.labels import disagree
from sentipair.data.pair import Modality


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
        conflict: both say something, not the same class, and each clearly, see ``sentipair.data.labels.disagree``.
        abstained: the confidence is below the threshold, or there was neither a text nor a usable picture.
        unusable: why the picture took no part, if it could not be used; of many posts, also why one was no post at all.
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


def as_opinions(
    probabilities: Sequence[dict[str, float]], *, present: Sequence[bool]
) -> list[Opinion | None]:
    """What one modality says of each post, from probabilities by class name; nothing where it is not ``present``."""
    return [
        Opinion(label=_most_probable(each), probabilities=each) if is_there else None
        for each, is_there in zip(probabilities, present, strict=True)
    ]


def as_predictions(
    probabilities: Sequence[dict[str, float]],
    *,
    opinions: Mapping[Modality, Sequence[Opinion | None]],
    unusable: Sequence[str | None],
    truncated: Sequence[str | None],
    threshold: float,
) -> list[Prediction]:
    """What a model says of B posts.

    Args:
        probabilities: of each post, class name → calibrated probability.
        opinions: what each modality that the model reads says alone.
        unusable: why the picture took no part.
        truncated: how far the text was cut.
        threshold: the model abstains where it is less confident than this.
    """
    nobody: list[Opinion | None] = [None] * len(probabilities)
    predictions = []
    for each, text, image, reason, cut in zip(
        probabilities,
        opinions.get("text", nobody),
        opinions.get("image", nobody),
        unusable,
        truncated,
        strict=True,
    ):
        label = _most_probable(each)
        nothing_seen = bool(opinions) and not (text or image)
        abstained = each[label] < threshold or nothing_seen
        predictions.append(
            Prediction(
                label=None if abstained else label,
                probabilities=each,
                confidence=each[label],
                text=text,
                image=image,
                conflict=bool(text and image and disagree(text.probabilities, image.probabilities)),
                abstained=abstained,
                unusable=reason,
                truncated=cut,
            )
        )
    return predictions


def _most_probable(probabilities: Mapping[str, float]) -> str:
    return max(probabilities, key=probabilities.__getitem__)
