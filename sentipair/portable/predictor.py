"""Scoring posts with an exported model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentipair.data.pair import OTHER, Modality, Pair
from sentipair.inference.base import BasePredictor
from sentipair.inference.prediction import Prediction, as_opinions, as_predictions
from sentipair.portable.folder import HEAD, read_config
from sentipair.portable.graphs import load_graph
from sentipair.portable.readers import ImageReader, Read, Reader, TextReader

BATCH = 16
"""Posts that go through the graphs at a time."""


class Predictor(BasePredictor):
    """An exported model: the answers of ``sentipair.inference.Predictor``, to 0.001 in every probability.

    Args:
        folder: what `sentipair export` wrote.
        threshold: the model abstains where it is less confident than this.

    Raises:
        UserError: there is no exported model, or it is damaged.
    """

    def __init__(self, folder: str | Path, *, threshold: float = 0.0) -> None:
        super().__init__(threshold=threshold)
        folder = Path(folder)
        self.config = config = read_config(folder)
        self.head = load_graph(folder, HEAD, to=config.format)
        self.readers: dict[Modality, Reader] = {}
        if config.text:
            self.readers["text"] = TextReader(folder, config.text, to=config.format)
        if config.image:
            self.readers["image"] = ImageReader(folder, config.image, to=config.format)

    def predict(self, pairs: Sequence[Pair]) -> list[Prediction]:
        """Score posts; pictures and texts may be missing."""
        batches = (pairs[start : start + BATCH] for start in range(0, len(pairs), BATCH))
        return [prediction for batch in batches for prediction in self._predict(batch)]

    def _predict(self, pairs: Sequence[Pair]) -> list[Prediction]:
        read = {kind: reader(pairs) for kind, reader in self.readers.items()}
        found = self._probabilities(read)
        opinions = {
            kind: as_opinions(found.get(kind) or self._alone(kind, read, pairs), present=each.present)
            for kind, each in read.items()
        }
        nothing: list[str | None] = [None] * len(pairs)
        return as_predictions(
            found["logits"],
            opinions=opinions,
            unusable=read["image"].remarks if "image" in read else nothing,
            truncated=read["text"].remarks if "text" in read else nothing,
            threshold=self.threshold,
        )

    def _alone(
        self, kind: Modality, read: Mapping[Modality, Read], pairs: Sequence[Pair]
    ) -> list[dict[str, float]]:
        """The probabilities with the other modality withheld."""
        other = OTHER[kind]
        if other not in self.readers:
            return self._probabilities(read)["logits"]
        without = self.readers[other]([pair.without(other) for pair in pairs])
        return self._probabilities({**read, other: without})["logits"]

    def _probabilities(self, read: Mapping[Modality, Read]) -> dict[str, list[dict[str, float]]]:
        """Per output of the head, of each post class name → probability."""
        outputs = self.head({name: array for each in read.values() for name, array in each.arrays.items()})
        return {
            name: [dict(zip(self.config.classes, row, strict=True)) for row in self._softmax(logits)]
            for name, logits in zip(self.config.outputs, outputs, strict=True)
        }

    def _softmax(self, logits: NDArray[np.float32]) -> list[list[float]]:
        cooled = logits.astype(np.float64) / self.config.temperature
        powers = np.exp(cooled - cooled.max(axis=1, keepdims=True))
        rows: list[list[float]] = (powers / powers.sum(axis=1, keepdims=True)).tolist()
        return rows
