"""``sentipair report``: the page of a run, several runs side by side, or their scores as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sentipair.cli.show import print_paths


def report(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs; several are compared, the first is the reference.")
    ],
    format: Annotated[  # noqa: A002 - the option's name
        Literal["html", "md", "latex"], typer.Option(help="A page, or tables on standard output.")
    ] = "html",
    output: Annotated[Path, typer.Option(help="The page that compares several runs.")] = Path(
        "side-by-side.html"
    ),
) -> None:
    """Write the report of a run anew, or compare several that were tested on the same posts.

    Example: sentipair report runs/spp-scl-posts-1a2b3c4d runs/logistic-regression-posts-5e6f7a8b --format md
    """
    from sentipair.experiments.side_by_side import entries_of, score_tables, write_side_by_side
    from sentipair.reporting import write_report
    from sentipair.reporting.tables import FORMATS

    if format != "html":
        text = FORMATS["tex" if format == "latex" else format]
        typer.echo("\n".join(map(text, score_tables(entries_of(runs)))))
    elif len(runs) == 1:
        print_paths(report=write_report(runs[0]))
    else:
        print_paths(report=write_side_by_side(entries_of(runs), output))
