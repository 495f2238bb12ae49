"""A trained model as files: ``model.safetensors`` and the ``config.json`` that says how to use it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from sentipair.encoders.weights import revisions
from sentipair.errors import UserError
from sentipair.files import write_json
from sentipair.models.base import PairModel, model_class
from sentipair.models.ensemble import Ensemble
from sentipair.models.finetuned import FineTuned
from sentipair.models.rationales import WithRationales
from sentipair.tensors import write_tensors

WEIGHTS = "model.safetensors"
CONFIG = "config.json"

PLUGINS: Mapping[str, Callable[..., PairModel]] = {"rationales": WithRationales, "finetune": FineTuned}
"""What can go around a model, by name."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """What it takes to use a trained model.

    Attributes:
        model: the registered name.
        settings: the constructor's arguments, dimensions included.
        classes: class names in the order of the logits.
        encoders: ``"text"``, ``"image"`` and what else the features were made with → name, folder or Hugging Face id.
        text_steps: normalisation that the texts had in training.
        plugins: what goes around the model, innermost first → its arguments, dimensions included.
        members: how many such models with weights of their own make up an ensemble; 1 is the model alone.
        rationales: how new posts get theirs: ``"lexicon"``, or ``None`` if they go without.
        revisions: of those encoders that are local folders: the digest of the weights that the features were made with.
        temperature: what the logits are divided by before they become probabilities, fitted on validation posts; 1
            until the training is finished.
    """

    model: str
    settings: dict[str, Any]
    classes: tuple[str, ...]
    encoders: dict[str, str]
    text_steps: tuple[str, ...]
    plugins: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: int = 1
    rationales: str | None = None
    revisions: dict[str, str] = field(default_factory=dict)
    temperature: float = 1.0

    def build(self, *, pretrained: bool = False) -> PairModel:
        """A freshly initialised model.

        With ``pretrained`` the layers of encoders that are part of it have their weights; else those stay to be loaded.
        """
        members = [self._build_one(pretrained) for _ in range(self.members)]
        return members[0] if self.members == 1 else Ensemble(members)

    def _build_one(self, pretrained: bool) -> PairModel:
        model = model_class(self.model)(**self.settings)
        for name, settings in self.plugins.items():
            model = PLUGINS[name](model, **settings)
        if pretrained and isinstance(model, FineTuned):
            model.load_pretrained()
        return model


def save_config(folder: Path, config: ModelConfig) -> None:
    """Write ``config.json``."""
    write_json(folder / CONFIG, asdict(config))


def refuse_other_encoders(config: ModelConfig, folder: Path) -> None:
    """Keep a model from reading features of other weights than those that it has learned on.

    Args:
        config: of the model, with the encoders as they were.
        folder: of the model, for the message.

    Raises:
        UserError: a local folder holds another encoder now.
    """
    now = revisions(config.encoders)
    for kind, revision in config.revisions.items():
        if now.get(kind, revision) != revision:
            raise UserError(
                f"the {kind} encoder {config.encoders[kind]} has changed since {folder} was trained; put the former "
                "one back, or train again into another --output"
            )


def save_weights(folder: Path, model: nn.Module) -> None:
    """Write ``model.safetensors``, whole or not at all."""
    write_tensors(folder / WEIGHTS, model.state_dict())


def load_model(folder: Path) -> tuple[PairModel, ModelConfig]:
    """The model in ``folder``, in evaluation mode.

    Raises:
        UserError: files are missing or damaged.
    """
    folder = Path(folder)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise UserError(
                f"no trained model in {folder}: {name} is missing; give a folder that `sentipair train` wrote"
            )
    config = read_config(folder)
    try:
        model = config.build()
        # in memory of their own: where weights start decides the last bits of a product
        weights = {name: value.clone() for name, value in load_file(folder / WEIGHTS).items()}
        model.load_state_dict(weights, assign=True)
    except (ValueError, LookupError, TypeError, SafetensorError, RuntimeError) as error:
        raise _damaged(folder, error) from error
    return model.eval(), config


def read_config(folder: Path) -> ModelConfig:
    """What ``save_config`` wrote.

    Raises:
        UserError: it is damaged.
    """
    try:
        values = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        sequences = {name: tuple(values[name]) for name in ("classes", "text_steps")}
        return ModelConfig(**{**values, **sequences})
    except (ValueError, LookupError, TypeError) as error:
        raise _damaged(folder, error) from error


def _damaged(folder: Path, error: Exception) -> UserError:
    return UserError(
        f"the model in {folder} is damaged, or of another version of sentipair ({type(error).__name__}); "
        "train it again"
    )
