"""What becomes of probabilities: the answer, the opinions, and whether they disagree."""

from __future__ import annotations

import pytest

from sentipair.data.labels import MARGIN
from sentipair.inference.prediction import as_opinions, as_predictions


def shares(good: float, bad: float) -> dict[str, float]:
    return {"good": good, "so-so": 1 - good - bad, "bad": bad}


@pytest.mark.parametrize(
    ("text", "image", "conflict"),
    [
        (shares(0.6, 0.2), shares(0.2, 0.6), True),
        (shares(0.6, 0.2), shares(0.6, 0.2), False),  # the same class
        (shares(0.45, 0.3), shares(0.1, 0.8), False),  # the text is not clear
        (shares(0.8, 0.1), shares(0.35, 0.45), False),  # the picture is not clear
        (shares(0.8, 0.1), shares(0.3, 0.3 + 0.99 * MARGIN), False),
        (shares(0.5 + MARGIN, 0.1), shares(0.3, 0.3 + 1.01 * MARGIN), True),
    ],
)
def test_a_conflict_needs_two_clear_opinions(
    text: dict[str, float], image: dict[str, float], conflict: bool
) -> None:
    opinions = {
        "text": as_opinions([text], present=[True]),
        "image": as_opinions([image], present=[True]),
    }
    [said] = as_predictions(
        [shares(0.5, 0.2)], opinions=opinions, unusable=[None], truncated=[None], threshold=0.0
    )
    assert said.conflict == conflict
    assert (said.sentence is not None) == conflict
