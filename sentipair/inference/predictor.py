"""Scoring posts with a trained model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from sentipair.data.pair import OTHER, Modality, Pair, Post
from sentipair.data.text import normalise
from sentipair.encoders import Encoders, EngineName
from sentipair.features import TextLayers
from sentipair.features.specs import RATIONALE
from sentipair.inference.base import BasePredictor
from sentipair.inference.encoded import EncodedPosts, PostEncoder
from sentipair.inference.prediction import Opinion, Prediction, as_opinions, as_predictions
from sentipair.inference.pretrained import find_model
from sentipair.memory import lasting_objects
from sentipair.models import PairModel
from sentipair.models.persistence import ModelConfig, load_model, refuse_other_encoders
from sentipair.progress import say
from sentipair.rationales import LEXICON, lexicon_rationales, polarities_of

BATCH = 64
"""Posts that the model reads at a time."""


class Predictor(BasePredictor):
    """A trained model with its encoders.

    A prediction depends on its post alone: a model of published fidelity, which compares the posts of a batch, gets one
    post at a time. Up to the rounding of the encoders, that is, which pad texts of similar length together.

    Args:
        model: in evaluation mode.
        config: how it is used.
        engine: how the encoders are run.
        threshold: the model abstains where it is less confident than this.
    """

    def __init__(
        self, model: PairModel, config: ModelConfig, *, engine: EngineName = "auto", threshold: float = 0.0
    ) -> None:
        super().__init__(threshold=threshold)
        self.model = model
        self.config = config
        self.engine = engine
        self.encode = PostEncoder(model.requires, Encoders(**config.encoders, engine=engine))
        if config.rationales is None and any(
            isinstance(spec, TextLayers) and spec.of.startswith(RATIONALE) for spec in model.requires
        ):
            say(
                "warning: this model learned with rationales from a table; posts without rationales get poorer answers"
            )

    @classmethod
    def from_pretrained(
        cls, source: str | Path | None = None, *, engine: EngineName = "auto", threshold: float = 0.0
    ) -> Predictor:
        """The model that ``find_model`` finds: a run, a folder, a Hugging Face id; without a source the shipped one.

        Raises:
            UserError: there is no trained model, it is damaged, or its encoder's folder holds another one now.
        """
        folder = find_model(source)
        model, config = load_model(folder)
        refuse_other_encoders(config, folder)
        return cls(model, config, engine=engine, threshold=threshold)

    @torch.inference_mode()
    def predict(self, pairs: Sequence[Pair]) -> list[Prediction]:
        """Score posts; pictures and texts may be missing. Give a few hundred at a time to bound the memory."""
        if not pairs:
            return []
        if len(pairs) > 1 and self.config.settings.get("fidelity") == "published":
            return [prediction for pair in pairs for prediction in self.predict([pair])]
        predictions: dict[int, Prediction] = {}
        for places, posts in self.encode(self.prepare(pairs)).alike(BATCH):
            predictions |= zip(places, self._answer(posts), strict=True)
        return [predictions[place] for place in range(len(pairs))]

    def warm_up(self) -> None:
        """Score a post, so that nobody has to wait for what is loaded at first use."""
        with lasting_objects():
            self.predict([Post(id="warm up", text="what a day", opened=Image.new("RGB", (64, 64)))])

    def _answer(self, posts: EncodedPosts) -> list[Prediction]:
        output = self.model(posts.batch())
        opinions = {kind: self._opinions(posts, kind, output.unimodal) for kind in posts.encoder.kinds}
        return as_predictions(
            self._probabilities(output.logits),
            opinions=opinions,
            unusable=posts.remarks("image"),
            truncated=posts.remarks("text"),
            threshold=self.threshold,
        )

    def prepare(self, pairs: Sequence[Pair]) -> list[Pair]:
        """The posts as the model knows posts: texts normalised as in training, and rationales where it reads such."""
        cleaned = [replace(pair, text=normalise(pair.text, self.config.text_steps)) for pair in pairs]
        if self.config.rationales != LEXICON:
            return cleaned
        made = lexicon_rationales(cleaned, polarities_of(self.config.classes))
        return [replace(pair, rationales=given) for pair, given in zip(cleaned, made, strict=True)]

    def _opinions(
        self, posts: EncodedPosts, kind: Modality, unimodal: Mapping[str, Tensor] | None
    ) -> list[Opinion | None]:
        """What ``kind`` alone says of each post: by the model's own scores, else with the other modality withheld."""
        logits = (unimodal or {}).get(kind)
        if logits is None:
            logits = self.model(posts.batch(without=OTHER[kind])).logits
        return as_opinions(self._probabilities(logits), present=posts.present(kind))

    def _probabilities(self, logits: Tensor) -> list[dict[str, float]]:
        rows = (logits / self.config.temperature).softmax(-1).tolist()
        return [dict(zip(self.config.classes, row, strict=True)) for row in rows]
