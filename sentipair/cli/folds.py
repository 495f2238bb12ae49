"""``sentipair folds``: cross-validation."""

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
    Workers,
    open_store,
    refuse_settings,
)
from sentipair.cli.show import print_json, print_paths, print_table


def folds(
    model: Annotated[str, typer.Argument(help="A model (see `sentipair models`).")],
    data: Annotated[
        str, typer.Option(help="A data set (see `sentipair data list`), or your own table or folder.")
    ],
    root: Root = None,
    encoders: EncoderNames = "offline",
    fidelity: Fidelity = "sound",
    scheme: Annotated[
        str, typer.Option(help="folds-K makes K folds here; cheema-2021 are the ten published for MVSA.")
    ] = "folds-10",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds per fold; they are 0, 1, ….")] = 1,
    override: Override = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the folds; default runs/SCHEME-MODEL-DATA-….")
    ] = None,
    features: Features = None,
    engine: Engine = "auto",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Train and test once per fold, so that every post is tested by a model that has not seen it.

    Own folds are stratified, and duplicates never cross. Repeating the command goes on where a stopped one was.

    Example: sentipair folds spp-scl --data posts.csv --scheme folds-5
    """
    from sentipair.experiments.folds import FOLDS_PAGE, folds_table, run_folds
    from sentipair.training.recipes import configure, run_name

    refuse_settings(override or (), {"seed": "--seeds", "data.scheme": "--scheme"})

    config = configure(
        model, data, root=root, encoders=encoders, engine=engine, fidelity=fidelity, overrides=override or ()
    )
    folder = output or Path("runs") / f"{scheme}-{run_name(config)}"
    store = open_store(features, runs=folder.parent)
    summary = run_folds(config, scheme, range(seeds), folder, store=store, workers=workers)
    if as_json:
        print_json({**summary, "folder": str(folder)})
    else:
        print_table(folds_table(summary))
        print_paths(folds=folder, table=folder / FOLDS_PAGE)
