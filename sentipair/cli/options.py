"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sentipair.errors import UserError

if TYPE_CHECKING:
    from sentipair.features import FeatureStore

FEATURES_VARIABLE = "SENTIPAIR_FEATURES"

Run = Annotated[Path, typer.Argument(help="A run folder; of several seeds the best on validation is taken.")]
Model = Annotated[
    str | None,
    typer.Option(help="A run or folder, a Hugging Face id; default the shipped model.", show_default=False),
]
Threshold = Annotated[
    float, typer.Option(min=0, max=1, help="Abstain where the model is less confident than this.")
]
Json = Annotated[bool, typer.Option("--json", help="Print figures as JSON.")]
Root = Annotated[str | None, typer.Option(help="The folder of a named data set.")]
EncoderNames = Annotated[
    str, typer.Option("--encoders", help="offline, paper, or TEXT+IMAGE (folders or Hugging Face ids).")
]
Fidelity = Annotated[str, typer.Option(help="sound, or published: the authors' arithmetic and settings.")]
Override = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a setting of the recipe, such as objective.alpha=0.5."),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Trainings at a time; default one per core, at most 8.")
]
Engine = Annotated[
    Literal["auto", "torch", "openvino"], typer.Option(help="How the frozen encoders are run.")
]
Features = Annotated[
    Path | None,
    typer.Option(
        help=f"Feature store; default ${FEATURES_VARIABLE}, else `features` beside the runs.",
        show_default=False,
    ),
]


def refuse_settings(overrides: Sequence[str], options: Mapping[str, str]) -> None:
    """Keep settings out of ``--set`` that a command has an option for: setting → option.

    Raises:
        UserError: one is there.
    """
    for path in (override.partition("=")[0].strip() for override in overrides):
        if path in options:
            raise UserError(f"--set {path}: use {options[path]} instead")


def nearest_store(features: Path | None, run: Path) -> FeatureStore:
    """The feature store that the user named, or the one beside the folder that ``run`` is in, however deep."""
    above = run.absolute().parents[:4]
    beside = next((place for place in above if (place / "features").is_dir()), above[1])
    return open_store(features, runs=beside)


def open_store(features: Path | None, *, runs: Path) -> FeatureStore:
    """The feature store that the user named, or the one in the folder that holds the runs."""
    from sentipair.features import FeatureStore

    named = features or os.environ.get(FEATURES_VARIABLE)
    return FeatureStore(Path(named) if named else runs / "features")
