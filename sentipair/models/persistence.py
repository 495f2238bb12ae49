"""A trained model as files: ``model.safetensors`` and the ``config.json`` that says how to use it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from sentipair.errors import UserError
from sentipair.files import atomic_write, write_json
from sentipair.models.base import PairModel, model_class

WEIGHTS = "model.safetensors"
CONFIG = "config.json"


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """What it takes to use a trained model.

    Attributes:
        model: the registered name.
        settings: the constructor's arguments, dimensions included.
        classes: class names in the order of the logits.
        encoders: ``"text"``, ``"image"`` and what else the features were made with → name, folder or Hugging Face id.
        text_steps: normalisation that the texts had in training.
    """

    model: str
    settings: dict[str, Any]
    classes: tuple[str, ...]
    encoders: dict[str, str]
    text_steps: tuple[str, ...]

    def build(self) -> PairModel:
        """A freshly initialised model."""
        return model_class(self.model)(**self.settings)


def save_config(folder: Path, config: ModelConfig) -> None:
    """Write ``config.json``."""
    write_json(folder / CONFIG, asdict(config))


def save_weights(folder: Path, model: nn.Module) -> None:
    """Write ``model.safetensors``, whole or not at all."""
    with atomic_write(folder / WEIGHTS) as file:
        file.write(save({name: value.contiguous() for name, value in model.state_dict().items()}))


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
    try:
        values = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        sequences = {name: tuple(values[name]) for name in ("classes", "text_steps")}
        config = ModelConfig(**{**values, **sequences})
        model = config.build()
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (ValueError, KeyError, TypeError, SafetensorError, RuntimeError) as error:
        raise UserError(
            f"the model in {folder} is damaged ({type(error).__name__}); train it again"
        ) from error
    return model.eval(), config
