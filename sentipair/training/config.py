"""The resolved settings of one run: everything that ``config.yaml`` holds and a run can be rebuilt from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from sentipair.data.pair import Modality
from sentipair.errors import UserError
from sentipair.files import sha256, write_text
from sentipair.models import model_class
from sentipair.objectives import EachMember, Objective, objective_class
from sentipair.rationales import LEXICON
from sentipair.settings import Count, validate_settings

PARTS = ("model", "objective", "training", "data", "encoders", "plugins")
"""What a configuration consists of, besides ``seed``."""

FILLED_IN = ("classes", "text_dim", "image_dim", "clip_dim", "region_dim")
"""Model settings that come from the data and the encoders, not from a recipe."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)


class DataSettings(_Strict):
    """Which data, labels and splits; ``None`` means the reader's default.

    ``rationales`` are those that the data set brings, ``lexicon``, or a table, see ``sentipair.rationales``.
    """

    source: str
    root: str | None = None
    variant: str | None = None
    scheme: str | None = None
    text_steps: tuple[str, ...] | None = None
    rationales: str | None = None
    split_seed: int = 0

    @field_validator("rationales")
    @classmethod
    def _found_from_anywhere(cls, value: str | None) -> str | None:
        return value if value in (None, LEXICON) else str(Path(str(value)).expanduser().absolute())


class EncoderSettings(_Strict):
    """The frozen networks by name, folder or Hugging Face id, and how they are run."""

    text: str
    image: str
    clip: str | None = None
    regions: str | None = None
    engine: Literal["auto", "torch", "openvino"] = "auto"

    def networks(self) -> dict[str, str]:
        """The networks that are named, by what they read."""
        return {name: value for name, value in self if name != "engine" and value is not None}

    @property
    def title(self) -> str:
        """The networks in one line."""
        return " + ".join(self.networks().values())


class TrainingSettings(_Strict):
    """The optimiser (AdamW), its schedule and when to stop.

    ``step`` multiplies the learning rate by ``gamma`` every ``step_size`` epochs (the papers' StepLR); ``cosine``
    brings it to zero over all epochs. ``patience`` stops after that many epochs without a better one on validation, by
    accuracy and then by loss. ``warmup`` is the share of all updates in which the learning rate first rises to its
    value; ``clip_norm`` bounds the norm of the gradient. Layers of encoders that are trained too have
    ``encoder_learning_rate`` in place of ``learning_rate``.
    """

    epochs: int = Field(150, ge=1)
    batch_size: int = Field(64, ge=2)
    learning_rate: float = Field(1e-4, gt=0)
    weight_decay: float = Field(1e-6, ge=0)
    schedule: Literal["step", "cosine"] = "step"
    step_size: int = Field(10, ge=1)
    gamma: float = Field(0.5, gt=0, le=1)
    patience: int | None = Field(None, ge=1)
    warmup: float = Field(0.0, ge=0, lt=1)
    clip_norm: float | None = Field(None, gt=0)
    encoder_learning_rate: float = Field(3e-5, gt=0)


class PluginSettings(_Strict):
    """What goes around any model.

    ``rationales`` lets it see the rationales of the posts, see ``models/rationales.py``; ``finetune`` makes the last
    layers of its encoders, as many as given, part of it, see ``models/finetuned.py``; ``ensemble`` makes so many of it,
    with weights of their own, vote, see ``models/ensemble.py``.
    """

    rationales: bool = False
    finetune: dict[Modality, Count] = {}
    ensemble: Annotated[int, Field(ge=2)] | None = None


class RunConfig(_Strict):
    """One run. ``model`` and ``objective`` hold ``name`` and the settings of that class, complete and checked."""

    model: dict[str, Any]
    objective: dict[str, Any]
    training: TrainingSettings
    data: DataSettings
    encoders: EncoderSettings
    plugins: PluginSettings = PluginSettings()
    seed: int = Field(0, ge=0, lt=2**32)

    @property
    def model_settings(self) -> dict[str, Any]:
        """The model's settings without its name."""
        return {key: value for key, value in self.model.items() if key != "name"}

    def build_objective(self) -> Objective:
        """A fresh objective, one for each member where the model is an ensemble."""
        chosen = objective_class(self.objective["name"])
        settings = {key: value for key, value in self.objective.items() if key != "name"}
        if self.plugins.ensemble is None:
            return chosen(**settings)
        return EachMember([chosen(**settings) for _ in range(self.plugins.ensemble)])

    @property
    def fidelity(self) -> str:
        """``"published"`` or ``"sound"``; sound where neither model nor objective knows a published arithmetic."""
        return str(self.model.get("fidelity") or self.objective.get("fidelity") or "sound")

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
    schemas = {
        "training": TrainingSettings,
        "data": DataSettings,
        "encoders": EncoderSettings,
        "plugins": PluginSettings,
    }
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
