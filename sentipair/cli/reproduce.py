"""``sentipair reproduce``: does a published number hold?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentipair.cli.options import (
    EncoderNames,
    Engine,
    Features,
    Json,
    Override,
    Root,
    Workers,
    open_store,
    refuse_settings,
)
from sentipair.cli.show import print_json, print_paths


def reproduce(
    model: Annotated[str, typer.Argument(help="A model, see `sentipair models`.")],
    data: Annotated[str, typer.Argument(help="A data set by name, see `sentipair data list`.")],
    root: Root = None,
    encoders: EncoderNames = "offline",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds; they are 0, 1, ….")] = 5,
    override: Override = None,
    output: Annotated[Path | None, typer.Option(help="Default runs/reproduce-MODEL-DATA.")] = None,
    features: Features = None,
    engine: Engine = "auto",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Train a system as published and sound, and say whether its published numbers lie in our intervals.

    Example: sentipair reproduce spp-scl mvsa-single --root path/to/mvsa-single
    """
    from sentipair.experiments.reproduce import VERDICT
    from sentipair.experiments.reproduce import reproduce as run

    refuse_settings(override or (), {"seed": "--seeds"})

    folder = output or Path("runs") / f"reproduce-{model}-{data}"
    result = run(
        model,
        data,
        seeds=range(seeds),
        output=folder,
        store=open_store(features, runs=folder.parent),
        overrides=override or (),
        workers=workers,
        root=root,
        encoders=encoders,
        engine=engine,
    )
    if as_json:
        print_json({**result, "folder": str(folder)})
    else:
        typer.echo((folder / VERDICT).read_text(encoding="utf-8"))
        print_paths(runs=folder, report=folder / "report.html")
