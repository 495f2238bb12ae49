"""Scoring posts with a trained run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sentipair.data.pair import Pair
from sentipair.data.text import normalise
from sentipair.encoders import Encoders, EngineName
from sentipair.errors import UserError
from sentipair.features import PairBatch
from sentipair.models import PairModel
from sentipair.models.persistence import WEIGHTS, ModelConfig, load_model
from sentipair.rationales import LEXICON, lexicon_rationales, polarities_of
from sentipair.runs import seed_folders, seed_number


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model says of one post.

    Attributes:
        label: the most probable class.
        probabilities: class name → probability.
        unusable: why the picture took no part, if it could not be used.
        truncated: how far the text was cut, if it was.
    """

    label: str
    probabilities: dict[str, float]
    unusable: str | None = None
    truncated: str | None = None


class Predictor:
    """A trained model with its encoders.

    Args:
        model: in evaluation mode.
        config: how it is used.
        engine: how the encoders are run.
    """

    def __init__(self, model: PairModel, config: ModelConfig, *, engine: EngineName = "auto") -> None:
        self.model = model
        self.config = config
        encoders = Encoders(**config.encoders, engine=engine)
        self._columns = [(spec, spec.source(encoders)) for spec in model.requires]

    @classmethod
    def from_run(cls, folder: str | Path, *, engine: EngineName = "auto") -> Predictor:
        """The model of a run folder; of several seeds, the one with the best validation accuracy.

        Raises:
            UserError: there is no trained model.
        """
        model, config = load_model(best_seed(Path(folder)))
        return cls(model, config, engine=engine)

    @torch.inference_mode()
    def score(self, pairs: Sequence[Pair]) -> list[Prediction]:
        """Score posts; pictures and texts may be missing. Give a few hundred at a time to bound the memory."""
        if not pairs:
            return []
        pairs = [clean(pair, self.config.text_steps) for pair in pairs]
        if self.config.rationales == LEXICON:
            made = lexicon_rationales(pairs, polarities_of(self.config.classes))
            pairs = [replace(pair, rationales=given) for pair, given in zip(pairs, made, strict=True)]
        features: dict[str, torch.Tensor] = {}
        remarks: dict[str, list[str | None]] = {}
        for spec, source in self._columns:
            present = [i for i, pair in enumerate(pairs) if source.key(pair) is not None]
            records = dict(zip(present, source.encode([pairs[i] for i in present]), strict=True))
            features |= spec.collate([records.get(i) for i in range(len(pairs))], source)
            remarks[source.reads] = [
                source.remark(pair, len(records.get(i, ()))) for i, pair in enumerate(pairs)
            ]
        nothing = [None] * len(pairs)
        unknown = torch.full((len(pairs),), -1)
        batch = PairBatch(ids=tuple(pair.id for pair in pairs), labels=unknown, features=features)
        rows = self.model(batch).logits.softmax(-1).tolist()
        return [
            Prediction(
                label=self.config.classes[max(range(len(row)), key=row.__getitem__)],
                probabilities=dict(zip(self.config.classes, row, strict=True)),
                unusable=unusable,
                truncated=truncated,
            )
            for row, unusable, truncated in zip(
                rows, remarks.get("image", nothing), remarks.get("text", nothing), strict=True
            )
        ]

    def __call__(self, *, image: str | Path | None = None, text: str = "") -> Prediction:
        """Score one post.

        Raises:
            UserError: neither a picture nor a text, the picture file does not exist, or there is no text and the
                picture cannot be used.
        """
        path = None if image is None else Path(image)
        if path is None and not text.strip():
            raise UserError("give a picture, a text, or both")
        if path is not None and not path.is_file():
            raise UserError(f"there is no picture at {path}")
        prediction = self.score([Pair(id="post", text=text, image=path)])[0]
        if prediction.unusable and not text.strip():
            raise UserError(f"the picture {path} cannot be used ({prediction.unusable}) and there is no text")
        return prediction


def clean(pair: Pair, steps: Sequence[str]) -> Pair:
    """The pair with its text normalised as in training."""
    return replace(pair, text=normalise(pair.text, steps))


def best_seed(folder: Path) -> Path:
    """``folder`` if it holds a model, else its ``seed-N`` with the best validation accuracy, then the lowest N.

    Raises:
        UserError: neither.
    """
    if (folder / WEIGHTS).is_file():
        return folder
    scores = {}
    for path in (seed / "result.json" for seed in seed_folders(folder)):
        if path.exists():
            result = json.loads(path.read_text(encoding="utf-8"))
            scores[path.parent] = result["splits"]["validation"]["metrics"]["accuracy"]
    if not scores:
        raise UserError(f"there is no trained model in {folder}; train one with `sentipair train`")
    return min(scores, key=lambda path: (-scores[path], seed_number(path)))
