"""``sentipair benchmark``: a leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentipair.cli.options import EncoderNames, Engine, Features, Json, Override, Workers, open_store
from sentipair.cli.show import print_json, print_paths
from sentipair.errors import UserError


def benchmark(
    models: Annotated[
        str, typer.Option(help="Names, with commas; NAME:published for another fidelity than sound.")
    ],
    data: Annotated[
        str, typer.Option(help="Data sets or tables, with commas; NAME=FOLDER says where a data set is.")
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
    """Train several models with the same seeds and rank them, with intervals and paired tests against the best.

    Example: sentipair benchmark --models logistic-regression,spp-scl --data mvsa-single=path/to/mvsa-single
    """
    from sentipair.experiments.benchmark import benchmark as run

    names = split(models, "--models")
    sources = dict(entry.partition("=")[::2] for entry in split(data, "--data"))
    result = run(
        names,
        list(sources),
        seeds=range(seeds),
        output=output,
        store=open_store(features, runs=output.parent),
        roots={name: root for name, root in sources.items() if root},
        overrides=override or (),
        workers=workers,
        encoders=encoders,
        engine=engine,
    )
    if as_json:
        print_json({**result, "folder": str(output)})
    else:
        typer.echo((output / "benchmark.md").read_text(encoding="utf-8"))
        print_paths(runs=output, report=output / "report.html")


def split(names: str, option: str) -> list[str]:
    """Names between commas, each once.

    Raises:
        UserError: there is none.
    """
    found = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not found:
        raise UserError(f"{option} names nothing; separate names with commas")
    return found
