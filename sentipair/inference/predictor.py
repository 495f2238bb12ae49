"""Scoring posts with a trained model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, overload

import torch
from torch import Tensor

from sentipair.data.pair import Pair
from sentipair.data.text import normalise
from sentipair.encoders import Encoders, EngineName
from sentipair.errors import UserError
from sentipair.inference.encoded import EncodedPosts, Kind, PostEncoder
from sentipair.inference.posts import (
    DataFrame,
    ImageLike,
    as_pair,
    make_pair,
    require_content,
    require_usable,
)
from sentipair.inference.prediction import Opinion, Prediction
from sentipair.inference.pretrained import find_model
from sentipair.models import PairModel
from sentipair.models.persistence import ModelConfig, load_model
from sentipair.rationales import LEXICON, lexicon_rationales, polarities_of

CHUNK = 256
"""Posts of an iterator that are scored at a time."""

OTHER: Mapping[Kind, Kind] = {"text": "image", "image": "text"}

Row = Pair | Mapping[str, Any]


class Predictor:
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
        if not 0 <= threshold <= 1:
            raise UserError(f"the threshold is a confidence between 0 and 1, not {threshold}")
        self.model = model
        self.config = config
        self.threshold = threshold
        self.encode = PostEncoder(model.requires, Encoders(**config.encoders, engine=engine))

    @classmethod
    def from_pretrained(
        cls, source: str | Path | None = None, *, engine: EngineName = "auto", threshold: float = 0.0
    ) -> Predictor:
        """The model that ``find_model`` finds: a run, a folder, a Hugging Face id; without a source the shipped one.

        Raises:
            UserError: there is no trained model, or it is damaged.
        """
        model, config = load_model(find_model(source))
        return cls(model, config, engine=engine, threshold=threshold)

    @overload
    def __call__(
        self, posts: None = None, /, *, image: ImageLike | None = None, text: str = ""
    ) -> Prediction: ...
    @overload
    def __call__(self, posts: Sequence[Row] | DataFrame, /) -> list[Prediction]: ...
    @overload
    def __call__(self, posts: Iterator[Row], /) -> Iterator[Prediction]: ...
    def __call__(
        self,
        posts: Iterable[Row] | DataFrame | None = None,
        /,
        *,
        image: ImageLike | None = None,
        text: str = "",
    ) -> Prediction | list[Prediction] | Iterator[Prediction]:
        """Score one post, given by name, or many: a list or data frame at once, an iterator as it goes.

        Of many posts, one that cannot be used is told by its prediction (``unusable``, ``abstained``); a single one is
        an error.

        Args:
            posts: ``Pair``s or rows with ``image`` and ``text``.
            image: a path, the content of a file, a PIL picture, or an array of pixels.
            text: what was posted with it.

        Raises:
            UserError: a picture or text of the wrong kind; of a single post also: neither a picture nor a text, the
                file does not exist, or there is no text and the picture cannot be used.
        """
        if posts is None:
            return self._one(image, text)
        if isinstance(posts, DataFrame):
            return self(posts.to_dict("records"))
        predictions = self._stream(iter(posts))
        return predictions if isinstance(posts, Iterator) else list(predictions)

    @torch.inference_mode()
    def predict(self, pairs: Sequence[Pair]) -> list[Prediction]:
        """Score posts; pictures and texts may be missing. Give a few hundred at a time to bound the memory."""
        if not pairs:
            return []
        if len(pairs) > 1 and self.config.settings.get("fidelity") == "published":
            return [prediction for pair in pairs for prediction in self.predict([pair])]
        posts = self.encode(self.prepare(pairs))
        output = self.model(posts.batch())
        opinions = {kind: self._opinions(posts, kind, output.unimodal) for kind in posts.encoder.kinds}
        nobody: list[Opinion | None] = [None] * len(pairs)
        rows = zip(
            self._probabilities(output.logits),
            opinions.get("text", nobody),
            opinions.get("image", nobody),
            posts.remarks("image"),
            posts.remarks("text"),
            strict=True,
        )
        return [self._prediction(*row) for row in rows]

    def prepare(self, pairs: Sequence[Pair]) -> list[Pair]:
        """The posts as the model knows posts: texts normalised as in training, and rationales where it reads such."""
        cleaned = [replace(pair, text=normalise(pair.text, self.config.text_steps)) for pair in pairs]
        if self.config.rationales != LEXICON:
            return cleaned
        made = lexicon_rationales(cleaned, polarities_of(self.config.classes))
        return [replace(pair, rationales=given) for pair, given in zip(cleaned, made, strict=True)]

    def _one(self, image: ImageLike | None, text: str) -> Prediction:
        pair = make_pair(image=image, text=text, name="post")
        require_content(pair)
        prediction = self.predict([pair])[0]
        require_usable(pair, prediction)
        return prediction

    def _stream(self, posts: Iterator[Row]) -> Iterator[Prediction]:
        pairs = (as_pair(post, number=number) for number, post in enumerate(posts, start=1))
        while chunk := list(islice(pairs, CHUNK)):
            yield from self.predict(chunk)

    def _opinions(
        self, posts: EncodedPosts, kind: Kind, unimodal: Mapping[str, Tensor] | None
    ) -> list[Opinion | None]:
        """What ``kind`` alone says of each post: by the model's own scores, else with the other modality withheld."""
        logits = (unimodal or {}).get(kind)
        if logits is None:
            logits = self.model(posts.batch(without=OTHER[kind])).logits
        return [
            Opinion(label=_most_probable(probabilities), probabilities=probabilities) if present else None
            for present, probabilities in zip(posts.present(kind), self._probabilities(logits), strict=True)
        ]

    def _probabilities(self, logits: Tensor) -> list[dict[str, float]]:
        rows = (logits / self.config.temperature).softmax(-1).tolist()
        return [dict(zip(self.config.classes, row, strict=True)) for row in rows]

    def _prediction(
        self,
        probabilities: dict[str, float],
        text: Opinion | None,
        image: Opinion | None,
        unusable: str | None,
        truncated: str | None,
    ) -> Prediction:
        label = _most_probable(probabilities)
        confidence = probabilities[label]
        nothing_seen = bool(self.encode.kinds) and not (text or image)
        abstained = confidence < self.threshold or nothing_seen
        return Prediction(
            label=None if abstained else label,
            probabilities=probabilities,
            confidence=confidence,
            text=text,
            image=image,
            conflict=bool(text and image and text.label != image.label),
            abstained=abstained,
            unusable=unusable,
            truncated=truncated,
        )


def _most_probable(probabilities: Mapping[str, float]) -> str:
    return max(probabilities, key=probabilities.__getitem__)
