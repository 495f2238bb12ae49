"""``sentipair train``: a model on a data set, with several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sentipair.cli.options import (
    EncoderNames,
    Engine,
    Features,
    Fidelity,
    Json,
    Override,
    Root,
    open_store,
    refuse_settings,
)
from sentipair.cli.show import print_json, print_paths, print_summary
from sentipair.errors import UserError

IN_CONFIG = ("data", "root", "encoders", "engine", "fidelity", "finetune", "ensemble", "override")
"""The options whose values a config.yaml holds."""


def train(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(help="A model (see `sentipair models`), or the config.yaml of a run to repeat.")
    ],
    data: Annotated[
        str | None, typer.Option(help="A data set (see `sentipair data list`), or your own table or folder.")
    ] = None,
    root: Root = None,
    encoders: EncoderNames = "offline",
    fidelity: Fidelity = "sound",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds; they are 0, 1, ….")] = 1,
    finetune: Annotated[
        list[str] | None,
        typer.Option(help="Train the last layers of an encoder too, such as text:4 or image:1."),
    ] = None,
    ensemble: Annotated[
        int | None, typer.Option(min=2, help="So many networks of the kind, which vote.")
    ] = None,
    override: Override = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the runs; default runs/MODEL-DATA-….")
    ] = None,
    features: Features = None,
    engine: Engine = "auto",
    as_json: Json = False,
) -> None:
    """Extract features once, train on them, choose the epoch on validation, evaluate, report.

    Repeating the command goes on where a stopped one was.

    Example: sentipair train spp-scl --data posts.csv --seeds 5
    """
    from sentipair.devices import is_main
    from sentipair.experiments.run import run_seeds
    from sentipair.training.config import RunConfig
    from sentipair.training.recipes import configure, run_name

    if Path(model).suffix in (".yaml", ".yml"):
        if given := [option for option in IN_CONFIG if is_given(context, option)]:
            names = ", ".join("--set" if option == "override" else f"--{option}" for option in given)
            raise UserError(f"a config.yaml holds data and settings already; leave out {names}")
        config = RunConfig.read(Path(model))
    elif data is None:
        raise UserError("name the data: --data mvsa-single --root FOLDER, or --data posts.csv")
    else:
        given_twice = {"plugins.finetune": "--finetune"} if finetune else {}
        given_twice |= {"plugins.ensemble": "--ensemble"} if ensemble else {}
        refuse_settings(override or (), given_twice)
        config = configure(
            model,
            data,
            root=root,
            encoders=encoders,
            engine=engine,
            fidelity=fidelity,
            overrides=[
                *layers_to_train(finetune or ()),
                *([f"plugins.ensemble={ensemble}"] if ensemble else ()),
                *(override or ()),
            ],
        )
    if seeds > 1 and config.seed:
        raise UserError(f"--seeds {seeds} are 0 to {seeds - 1}, not {config.seed}; leave out one of the two")
    chosen = [config.seed] if seeds == 1 else list(range(seeds))
    folder = output or Path("runs") / run_name(config)
    summary = run_seeds(config, chosen, folder, store=open_store(features, runs=folder.parent))
    if not is_main():
        return
    if as_json:
        print_json({**summary, "folder": str(folder)})
    else:
        print_summary(summary)
        print_paths(runs=folder, report=folder / "report.html")


def is_given(context: typer.Context, option: str) -> bool:
    """Whether an option stands on the command line, be it with its default."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


def layers_to_train(finetune: Sequence[str]) -> list[str]:
    """The setting that ``text:4`` and ``image:1`` stand for; none where nothing is asked for."""
    encoders = [each.partition(":")[0] for each in finetune]
    if not all(encoders):
        raise UserError("--finetune names no encoder; write text:4 or image:1")
    if len(set(encoders)) < len(encoders):
        raise UserError(f"--finetune {' --finetune '.join(finetune)}: name each encoder once")
    pairs = ", ".join(each.replace(":", ": ") for each in finetune)
    return [f"plugins.finetune={{{pairs}}}"] if finetune else []
