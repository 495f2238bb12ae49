"""A predictor whose words and pictures have known weights, and one with a real model on random features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from sentipair.data.images import open_image
from sentipair.data.pair import Pair
from sentipair.inference import Prediction
from sentipair.models.persistence import ModelConfig

WEIGHTS = {"good": 0.2, "fine": 0.05, "bad": -0.15}
"""What a word adds to the probability of ``yes``; others add nothing."""


class Adds:
    """p(yes) = 0.4 + the weights of the words + the share of white in the upper left ninth times 0.1."""

    config = ModelConfig(model="", settings={}, classes=("yes", "no"), encoders={}, text_steps=())

    def prepare(self, pairs: Sequence[Pair]) -> list[Pair]:
        return list(pairs)

    def predict(self, pairs: Sequence[Pair]) -> list[Prediction]:
        return [self._predict(pair) for pair in pairs]

    def _predict(self, pair: Pair) -> Prediction:
        yes = 0.4 + sum(WEIGHTS.get(word, 0.0) for word in pair.text.split())
        if pair.picture is not None:
            image = np.asarray(open_image(pair.picture).convert("L"), dtype=float)
            yes += 0.1 * float(image[: image.shape[0] // 7, : image.shape[1] // 7].mean() / 255)
        return Prediction(
            label="yes" if yes > 0.5 else "no",
            probabilities={"yes": yes, "no": 1 - yes},
            confidence=max(yes, 1 - yes),
        )


@pytest.fixture
def adds() -> Adds:
    """The predictor with known weights."""
    return Adds()


@pytest.fixture
def white_corner() -> Image.Image:
    """70 × 70 black pixels, white in the upper left 10 × 10."""
    pixels = np.zeros((70, 70, 3), np.uint8)
    pixels[:10, :10] = 255
    return Image.fromarray(pixels)
