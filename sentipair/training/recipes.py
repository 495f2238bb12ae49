"""Recipes: the settings for a model on a data set, in YAML beside the published results.

A recipe names, per fidelity, what differs from the defaults of the model, the objective and the training; the
``published`` part holds the paper's or the released code's values. The model's ``default.yaml`` is for any data set;
the file of a data set holds what was published on it, and what else differs. Where layers of an encoder are trained
too, the training settings of ``finetuning.yaml`` take the place of the recipe's, and those of its own part
``finetuning`` the place of both. Where a CLIP is named, the model's settings in the recipe's part ``clip`` take the
place of the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files
from inspect import signature
from pathlib import Path
from typing import Any

import yaml

from sentipair.data import all_readers
from sentipair.data.readers.loading import TABLE_TEXT_STEPS
from sentipair.encoders import Encoders
from sentipair.encoders.weights import PACKAGED
from sentipair.errors import UserError
from sentipair.files import is_folder
from sentipair.models import model_class
from sentipair.objectives import objective_class
from sentipair.training.config import PARTS, RunConfig, build_config

ARGUMENTS = {
    "model.name": "name the model itself",
    "model.fidelity": "use --fidelity",
    "objective.fidelity": "use --fidelity",
    "data.source": "use --data",
    "data.root": "use --root",
}
"""What no override can set, and how it is said: it decides which recipe is read, and where the data is."""


def load_recipe(model: str, data: str) -> dict[str, Any]:
    """The recipe of ``model`` for the data set ``data``: the model's default, and over it what is the data set's own.

    Raises:
        UserError: no such model.
    """
    folder = files("sentipair") / "recipes" / model_class(model).name
    recipe: dict[str, Any] = yaml.safe_load((folder / "default.yaml").read_text("utf-8"))
    own = folder / f"{data}.yaml"
    if data in all_readers() and own.is_file():
        recipe = _laid_over(recipe, yaml.safe_load(own.read_text("utf-8")))
    return recipe


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings; where both have a value that of ``above`` counts."""
    merged = dict(below)
    for name, value in above.items():
        nested = isinstance(value, Mapping)
        merged[name] = _laid_over(below.get(name, {}), value) if nested else value
    return merged


def load_finetuning() -> dict[str, Any]:
    """The training settings that go with layers of encoders, whatever the model."""
    settings: dict[str, Any] = yaml.safe_load(
        (files("sentipair") / "recipes" / "finetuning.yaml").read_text("utf-8")
    )
    return settings


def configure(
    model: str,
    data: str,
    *,
    root: str | None = None,
    encoders: str = "offline",
    engine: str = "auto",
    fidelity: str = "sound",
    seed: int = 0,
    overrides: Sequence[str] = (),
) -> RunConfig:
    """The configuration of a run from its recipe and the user's wishes.

    Args:
        model: a registered model.
        data: a registered data set, or the path of a table or folder.
        root: the folder of a registered data set.
        encoders: ``offline``, ``paper`` or ``TEXT+IMAGE``.
        engine: how the encoders are run.
        fidelity: ``sound`` or ``published``; chooses the part of the recipe.
        seed: of the run.
        overrides: ``part.setting=value`` with a YAML value, applied last.

    Raises:
        UserError: a name that does not exist, a value that does not fit, or an override without effect.
    """
    recipe = load_recipe(model, data)
    if fidelity not in recipe["fidelity"]:
        raise UserError(f"{model} has no fidelity {fidelity!r}; use {' or '.join(recipe['fidelity'])}")
    part: dict[str, Any] = recipe["fidelity"][fidelity] or {}
    wishes = [_parse(override) for override in overrides]
    for path in (path for path, _ in wishes if path in ARGUMENTS):
        raise UserError(f"--set {path}: {ARGUMENTS[path]} instead")
    objective = str({"objective.name": recipe["objective"], **dict(wishes)}["objective.name"])
    tuned = part.get("objective", {}) if objective == recipe["objective"] else {}
    chosen = Encoders.resolve(encoders, paper=recipe.get("encoders"))
    plugins = dict(part.get("plugins", {}))
    training = dict(part.get("training", {}))
    if dict(wishes).get("plugins.finetune", plugins.get("finetune")):
        training |= {**load_finetuning(), **recipe.get("finetuning", {})}
    model_settings = dict(part.get("model", {}))
    if dict(wishes).get("encoders.clip", chosen.clip):
        model_settings |= recipe.get("clip", {})
    values: dict[str, Any] = {
        "model": {"name": model, **_fidelity(model_class(model), fidelity), **model_settings},
        "objective": {"name": objective, **_fidelity(objective_class(objective), fidelity), **tuned},
        "training": training,
        "data": {**_data(data, root), **part.get("data", {})},
        "encoders": {"text": chosen.text, "image": chosen.image, "clip": chosen.clip, "engine": engine},
        "plugins": plugins,
        "seed": seed,
    }
    for path, value in wishes:
        name, dot, setting = path.partition(".")
        if dot:
            values[name][setting] = value
        else:
            values[name] = value
    for kind in ("text", "image", "clip"):
        values["encoders"][kind] = _from_anywhere(values["encoders"].get(kind))
    config = build_config(values)
    _refuse_idle([path for path, _ in wishes], config)
    return config


def _refuse_idle(paths: Sequence[str], config: RunConfig) -> None:
    """Keep a setting from being changed that has no effect beside the others."""
    idle: dict[str, str] = {}
    if config.training.schedule == "cosine":
        remedy = "with the cosine schedule; add --set training.schedule=step"
        idle |= {"training.step_size": remedy, "training.gamma": remedy}
    if not config.plugins.finetune:
        idle["training.encoder_learning_rate"] = "without --finetune"
    for path in paths:
        if path in idle:
            raise UserError(f"--set {path} has no effect {idle[path]}")


def run_name(config: RunConfig) -> str:
    """A folder name that differs between any two configurations."""
    return f"{config.model['name']}-{Path(config.data.source).stem}-{config.identity()}"


def published_results(model: str, data: str) -> Mapping[str, Any]:
    """What was published for ``model`` on ``data``: source → metrics on the test set; empty where nothing was."""
    results: Mapping[str, Any] = load_recipe(model, data).get("results", {})
    return results


def _fidelity(component: type, fidelity: str) -> dict[str, str]:
    return {"fidelity": fidelity} if "fidelity" in signature(component).parameters else {}


def _from_anywhere(encoder: Any) -> Any:
    """A local folder as it can be found from anywhere; any other name stays, that of a packaged encoder too."""
    if isinstance(encoder, str) and encoder not in PACKAGED and is_folder(Path(encoder).expanduser()):
        return str(Path(encoder).expanduser().absolute())
    return encoder


def _data(data: str, root: str | None) -> dict[str, Any]:
    """Source and root as they can be found from anywhere, and the reader's defaults written out."""
    place = None if root is None else str(Path(root).expanduser().absolute())
    reader = all_readers().get(data)
    if reader is None:
        path = Path(data).expanduser()
        source = str(path.absolute()) if path.exists() else data
        return {"source": source, "root": place, "text_steps": TABLE_TEXT_STEPS}
    defaults = {"variant": reader.variants[0], "scheme": reader.schemes[0], "text_steps": reader.text_steps}
    return {"source": data, "root": place, **defaults}


def _parse(override: str) -> tuple[str, Any]:
    """``part.setting=value`` as path and value.

    Raises:
        UserError: another form, a part that does not exist, or a value that is no YAML.
    """
    path, equals, text = override.partition("=")
    path = path.strip()
    part, _, setting = path.partition(".")
    if not equals or (path != "seed" and not setting):
        raise UserError(f"--set {override!r}: write part.setting=value, such as training.epochs=20")
    if part not in PARTS and path != "seed":
        near = get_close_matches(part, PARTS, n=1)
        hint = f"did you mean {near[0]}.{setting}?" if near else f"the parts are {', '.join(PARTS)}"
        raise UserError(f"--set {override!r}: there is no part {part!r}; {hint}")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(
            f"--set {override!r}: {text!r} is no YAML value; put quotation marks around it"
        ) from error
    if type(value) is int and re.fullmatch(r"[-+]?(0|[1-9][0-9]*)", text.strip()) is None:
        raise UserError(f"--set {override!r}: YAML reads {text} as {value}; write it as a plain number")
    return path, value
