"""``sentipair benchmark``: a leaderboard."""

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
    Workers,
    open_store,
    refuse_settings,
)
from sentipair.cli.show import print_json, print_paths
from sentipair.errors import UserError


def benchmark(
    models: Annotated[
        str,
        typer.Option(
            help="Names, with commas; NAME:published for another fidelity than sound, "
            "NAME+rationales to let a model read rationales, NAME+ensemble for five that vote."
        ),
    ],
    data: Annotated[
        list[str],
        typer.Option(help="A data set, as NAME or NAME=FOLDER, or a table or folder; may be repeated."),
    ],
    encoders: EncoderNames = "offline",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds; they are 0, 1, ….")] = 5,
    override: Override = None,
    output: Annotated[Path, typer.Option(help="The same folder goes on where it was.")] = Path(
        "runs/benchmark"
    ),
    features: Features = None,
    engine: Engine = "auto",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Train several models with the same seeds and rank them, with intervals and paired tests.

    Each is tested against the one that is best on validation.

    Example: sentipair benchmark --models logistic-regression,spp-scl --data mvsa-single=path/to/it --data posts.csv
    """
    from sentipair.experiments.benchmark import benchmark as run

    refuse_settings(override or (), {"seed": "--seeds"})
    sources = [place(entry) for entry in data]
    if len({name for name, _ in sources}) < len(sources):
        raise UserError("--data names a data set twice; each can take part once")
    result = run(
        list(dict.fromkeys(name.strip() for name in models.split(",") if name.strip())),
        [name for name, _ in sources],
        seeds=range(seeds),
        output=output,
        store=open_store(features, runs=output.parent),
        roots={name: root for name, root in sources if root},
        overrides=override or (),
        workers=workers,
        encoders=encoders,
        engine=engine,
    )
    if as_json:
        print_json({**result, "folder": str(output)})
    else:
        for table in sorted((output / "tables").glob("*.md")):
            typer.echo(table.read_text(encoding="utf-8"))
        print_paths(runs=output, report=output / "report.html")


def place(entry: str) -> tuple[str, str | None]:
    """What ``--data`` names, and where it is: only the name of a reader can be followed by ``=FOLDER``."""
    from sentipair.data import all_readers

    name, equals, root = entry.partition("=")
    return (name, root) if equals and name in all_readers() else (entry, None)
