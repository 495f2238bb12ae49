"""The resolved settings of one run: everything that ``config.yaml`` holds and a run can be rebuilt from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from sentipair.errors import UserError
from sentipair.files import sha256, write_text
from sentipair.models import model_class
from sentipair.objectives import objective_class
from sentipair.settings import validate_settings

PARTS = ("model", "objective", "training", "data", "encoders")
"""What a configuration consists of, besides ``seed``."""

FILLED_IN = ("classes", "text_dim", "image_dim")
"""Model settings that come from the data and the encoders, not from a recipe."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class DataSettings(_Strict):
    """Which data, labels and splits; ``None`` means the reader's default."""

    source: str
    root: str | None = None
    variant: str | None = None
    scheme: str | None = None
    text_steps: tuple[str, ...] | None = None
    split_seed: int = 0


class EncoderSettings(_Strict):
    """The frozen networks by name, folder or Hugging Face id, and how they are run."""

    text: str
    image: str
    engine: Literal["auto", "torch", "openvino"] = "auto"

    def networks(self) -> dict[str, str]:
        """The networks that are named, by what they read."""
        return {name: value for name, value in self if name != "engine" and value is not None}


class TrainingSettings(_Strict):
    """The optimiser (AdamW), its schedule and when to stop.

    ``step`` multiplies the learning rate by ``gamma`` every ``step_size`` epochs (the papers' StepLR); ``cosine``
    brings it to zero over all epochs. ``patience`` stops after that many epochs without a better validation accuracy.
    """

    epochs: int = Field(150, ge=1)
    batch_size: int = Field(64, ge=2)
    learning_rate: float = Field(1e-4, gt=0)
    weight_decay: float = Field(1e-6, ge=0)
    schedule: Literal["step", "cosine"] = "step"
    step_size: int = Field(10, ge=1)
    gamma: float = Field(0.5, gt=0, le=1)
    patience: int | None = Field(None, ge=1)


class RunConfig(_Strict):
    """One run. ``model`` and ``objective`` hold ``name`` and the settings of that class, complete and checked."""

    model: dict[str, Any]
    objective: dict[str, Any]
    training: TrainingSettings
    data: DataSettings
    encoders: EncoderSettings
    seed: int = 0

    @property
    def model_settings(self) -> dict[str, Any]:
        """The model's settings without its name."""
        return {key: value for key, value in self.model.items() if key != "name"}

    @property
    def objective_settings(self) -> dict[str, Any]:
        """The objective's settings without its name."""
        return {key: value for key, value in self.objective.items() if key != "name"}

    def identity(self) -> str:
        """Eight hex digits that differ between any two configurations; the seed does not take part."""
        return sha256(yaml.safe_dump(self.model_dump(mode="json", exclude={"seed"}), sort_keys=True))[:8]

    def write(self, path: Path) -> None:
        """Write the configuration as YAML."""
        write_text(path, yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True))

    @classmethod
    def read(cls, path: Path) -> RunConfig:
        """Read what ``write`` wrote, checking every name and type.

        Raises:
            UserError: no such file, or a setting that does not exist or fit.
        """
        try:
            values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            reason = " ".join(str(getattr(error, "strerror", None) or error).split())
            raise UserError(f"cannot read the configuration {path}: {reason}") from error
        return build_config(values)


def build_config(values: Mapping[str, Any]) -> RunConfig:
    """A checked ``RunConfig`` from nested plain values, completed by defaults.

    Raises:
        UserError: a setting that does not exist (the message suggests the nearest one) or does not fit.
    """
    if not isinstance(values, Mapping) or not {"model", "objective", "data", "encoders"} <= set(values):
        raise UserError("a configuration holds model, objective, training, data and encoders")
    for where in {*PARTS} & {*values}:
        if not isinstance(values[where], Mapping):
            raise UserError(f"{where} is {values[where]!r} in the configuration; it holds settings by name")
    checked = dict(values)
    checked["model"] = _component(values["model"], "model")
    checked["objective"] = _component(values["objective"], "objective")
    schemas = {"training": TrainingSettings, "data": DataSettings, "encoders": EncoderSettings}
    for where, schema in schemas.items():
        checked[where] = validate_settings(schema, values.get(where, {}), where)
    return RunConfig(**validate_settings(RunConfig, checked, "config"))


def _component(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    if "name" not in values:
        raise UserError(f"the configuration has no {where}.name; add it")
    settings = {key: value for key, value in values.items() if key != "name"}
    name = str(values["name"])
    given = [key for key in FILLED_IN if where == "model" and key in settings]
    if given:
        raise UserError(f"{where}.{given[0]} comes from the data and the encoders; leave it out")
    target = model_class(name) if where == "model" else objective_class(name)
    complete = validate_settings(target, settings, where)
    return {"name": name, **{key: value for key, value in complete.items() if key not in FILLED_IN}}
