"""Recipes: the settings for a model on a data set, in YAML beside the published results.

A recipe names, per fidelity, what differs from the defaults of the model, the objective and the training; the
``published`` part holds the paper's or the released code's values. A data set without a recipe of its own (an own
table) uses the model's ``default.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from sentipair.data import all_readers
from sentipair.encoders import Encoders
from sentipair.errors import UserError
from sentipair.models import Fidelity, model_class
from sentipair.settings import unknown_setting
from sentipair.training.config import RunConfig, build_config

PARTS = ("model", "objective", "training", "data", "encoders", "seed")


def load_recipe(model: str, data: str) -> dict[str, Any]:
    """The recipe of ``model`` for the data set ``data``, or the model's default.

    Raises:
        UserError: no such model.
    """
    folder = files("sentipair") / "recipes" / model_class(model).name
    own = folder / f"{data}.yaml"
    recipe: dict[str, Any] = yaml.safe_load(
        (own if _exists(own) else folder / "default.yaml").read_text("utf-8")
    )
    return recipe


def configure(
    model: str,
    data: str,
    *,
    root: str | None = None,
    encoders: str = "offline",
    engine: str = "auto",
    fidelity: Fidelity = "sound",
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
        UserError: a name that does not exist or a value that does not fit.
    """
    recipe = load_recipe(model, data)
    if fidelity not in recipe["fidelity"]:
        raise UserError(
            f"fidelity {fidelity!r} does not exist for {model}; use {' or '.join(recipe['fidelity'])}"
        )
    part: dict[str, Any] = recipe["fidelity"][fidelity] or {}
    chosen = Encoders.resolve(encoders, paper=recipe.get("encoders"))
    values: dict[str, Any] = {
        "model": {"name": model, "fidelity": fidelity, **part.get("model", {})},
        "objective": {"name": recipe["objective"], "fidelity": fidelity, **part.get("objective", {})},
        "training": dict(part.get("training", {})),
        "data": {"source": data, "root": root, **_data_defaults(data)},
        "encoders": {"text": chosen.text, "image": chosen.image, "engine": engine},
        "seed": seed,
    }
    for override in overrides:
        _apply(values, override)
    return build_config(values)


def published_results(model: str, data: str) -> Mapping[str, Any]:
    """What was published for ``model`` on ``data``: source → metrics on the test set; empty where nothing was."""
    results: Mapping[str, Any] = load_recipe(model, data).get("results", {})
    return results


def _data_defaults(data: str) -> dict[str, str]:
    reader = all_readers().get(data)
    return {} if reader is None else {"variant": reader.variants[0], "scheme": reader.schemes[0]}


def _apply(values: dict[str, Any], override: str) -> None:
    path, equals, text = override.partition("=")
    names = path.strip().split(".")
    if not equals or names[0] not in PARTS or (len(names) == 1) != (names[0] == "seed") or len(names) > 2:
        known = [f"{part}.…" for part in PARTS[:-1]] + ["seed"]
        raise UserError(f"--set {override!r}: write part.setting=value; {unknown_setting(names[0], known)}")
    value = yaml.safe_load(text)
    if len(names) == 1:
        values[names[0]] = value
    else:
        values[names[0]][names[1]] = value


def _exists(resource: Traversable) -> bool:
    return "/" not in resource.name and resource.is_file()
