"""``sentipair ablate``: a paper's ablations under one protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
from sentipair.cli.show import print_json, print_paths


def ablate(
    model: Annotated[str, typer.Argument(help="A model, see `sentipair models`.")],
    data: Annotated[str, typer.Argument(help="A data set by name, or your own table or folder.")],
    root: Root = None,
    encoders: EncoderNames = "offline",
    fidelity: Fidelity = "sound",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds; they are 0, 1, ….")] = 5,
    override: Override = None,
    output: Annotated[Path | None, typer.Option(help="Default runs/ablate-MODEL-DATA-….")] = None,
    features: Features = None,
    engine: Engine = "auto",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Train what the paper's ablations change, and put its numbers beside ours, with paired tests.

    Tables as Markdown, LaTeX and CSV, and a page with the figures. Repeating the command goes on where a stopped one
    was.

    Example: sentipair ablate spp-scl mvsa-single --root path/to/mvsa-single --seeds 5
    """
    from sentipair.experiments.ablation import ablate as run
    from sentipair.training.recipes import configure, run_name

    refuse_settings(override or (), {"seed": "--seeds"})

    options: dict[str, Any] = {"root": root, "encoders": encoders, "engine": engine, "fidelity": fidelity}
    base = configure(model, data, overrides=override or (), **options)
    folder = output or Path("runs") / f"ablate-{run_name(base)}"
    result = run(
        model,
        data,
        seeds=range(seeds),
        output=folder,
        store=open_store(features, runs=folder.parent),
        overrides=override or (),
        workers=workers,
        **options,
    )
    if as_json:
        print_json({**result, "folder": str(folder)})
    else:
        for table in sorted((folder / "tables").glob("*.md")):
            typer.echo(table.read_text(encoding="utf-8"))
        print_paths(runs=folder, tables=folder / "tables", report=folder / "report.html")
