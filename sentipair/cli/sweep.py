"""``sentipair sweep``: a search for better settings on validation data."""

from __future__ import annotations

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
from sentipair.cli.show import print_json, print_paths, print_table


def sweep(
    model: Annotated[str, typer.Argument(help="A model (see `sentipair models`).")],
    data: Annotated[
        str, typer.Option(help="A data set (see `sentipair data list`), or your own table or folder.")
    ],
    root: Root = None,
    encoders: EncoderNames = "offline",
    fidelity: Fidelity = "sound",
    trials: Annotated[int, typer.Option(min=1, help="How many trials there shall be in the end.")] = 20,
    trial: Annotated[
        int | None, typer.Option(min=0, help="Train the trial of this number once more instead.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds per trial; they are 0, 1, ….")] = 1,
    override: Override = None,
    output: Annotated[Path | None, typer.Option(help="Default runs/sweep-MODEL-DATA-….")] = None,
    features: Features = None,
    engine: Engine = "auto",
    as_json: Json = False,
) -> None:
    """Try settings from the model's search space and keep the score on validation; the test set is not touched.

    What --set gives is not searched. Repeating the command goes on where a stopped one was, with more --trials too.

    Example: sentipair sweep spp-scl --data posts.csv --trials 30
    """
    from sentipair.experiments.sweep import PAGE, Sweep, search_space
    from sentipair.reporting.sweep import best_table
    from sentipair.training.recipes import configure, run_name

    refuse_settings(override or (), {"seed": "--seeds"})

    wishes = override or ()
    config = configure(
        model, data, root=root, encoders=encoders, engine=engine, fidelity=fidelity, overrides=wishes
    )
    folder = output or Path("runs") / f"sweep-{run_name(config)}"
    search = Sweep(
        config=config,
        space=search_space(config, fixed=[wish.partition("=")[0].strip() for wish in wishes]),
        seeds=range(seeds),
        folder=folder,
        store=open_store(features, runs=folder.parent),
    )
    if trial is not None:
        again = search.rerun(trial)
        if as_json:
            print_json({**again, "folder": str(folder)})
        else:
            typer.echo(f"trial {trial}: recorded score {again['recorded']}, trained again {again['score']}")
        return
    summary = search.run(trials)
    if as_json:
        print_json({**summary, "folder": str(folder)})
    else:
        print_table(best_table(summary))
        print_paths(trials=folder, page=folder / PAGE)
