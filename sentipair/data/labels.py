"""Label fusion: one label from those of text and picture, and one from those of several annotators; disagreement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence


def polarity_wins(text_label: str, image_label: str) -> str | None:
    """Equal labels stay; against ``neutral`` the polar label wins; positive against negative gives None.

    The rule behind CLMLF's MVSA files (Li et al., Findings of NAACL 2022) and those who follow them: 4,511
    pairs of MVSA-Single and 17,025 of MVSA-Multiple.
    """
    if text_label == image_label or image_label == "neutral":
        return text_label
    return image_label if text_label == "neutral" else None


def agree_only(text_label: str, image_label: str) -> str | None:
    """Equal labels stay, all else gives None: 2,592 pairs of MVSA-Single, as MMBT and QMF use it."""
    return text_label if text_label == image_label else None


def of_text(text_label: str, image_label: str) -> str | None:
    """The label of the text, whatever the picture shows: to train or examine a text encoder."""
    return text_label


def of_image(text_label: str, image_label: str) -> str | None:
    """The label of the picture, whatever the text says: to train or examine an image encoder."""
    return image_label


def majority(votes: Sequence[str]) -> str | None:
    """The label that more than half of the annotators gave, else None (also without votes)."""
    label, count = Counter(votes).most_common(1)[0] if votes else ("", 0)
    return label if 2 * count > len(votes) else None


FUSION_RULES: dict[str, Callable[[str, str], str | None]] = {
    "polarity-wins": polarity_wins,
    "agree-only": agree_only,
    "text-label": of_text,
    "image-label": of_image,
}
"""The rules by the name of the data set variant that they make; the first is the default."""

MARGIN = 0.3
"""Probability by which text and picture each prefer a class to the other's, for them to disagree.

With late fusion on MVSA-Single (training and validation posts, five folds) a quarter of the posts are then said to
disagree, and of these .65 have different labels; with .1 it is half of the posts, and .58 of these.
"""


def disagree(text: Mapping[str, float], image: Mapping[str, float]) -> bool:
    """Whether text and picture, each of class name → probability, prefer different classes clearly (by ``MARGIN``)."""
    by_text, by_image = (max(each, key=each.__getitem__) for each in (text, image))
    return by_text != by_image and all(
        own[first] - own[second] >= MARGIN
        for own, first, second in ((text, by_text, by_image), (image, by_image, by_text))
    )
