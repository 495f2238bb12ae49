"""``sentipair report``: the page of a run, several runs side by side, or their scores as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sentipair.cli.show import print_paths
from sentipair.errors import UserError
from sentipair.runs import seed_folders


def report(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs; several are compared, the first is the reference.")
    ],
    form: Annotated[
        Literal["html", "md", "latex"], typer.Option("--format", help="A page, or tables on standard output.")
    ] = "html",
    output: Annotated[
        Path | None,
        typer.Option(help="The page that compares several runs; default side-by-side.html."),
    ] = None,
) -> None:
    """Write the report of a run anew, or compare several that were tested on the same posts.

    Example: sentipair report runs/spp-scl-posts-1a2b3c4d runs/logistic-regression-posts-5e6f7a8b --format md
    """
    from sentipair.experiments.run import bring_up_to_date, tell_unfinished
    from sentipair.experiments.side_by_side import entries_of, score_tables, write_side_by_side
    from sentipair.reporting import write_report
    from sentipair.reporting.tables import FORMATS

    for run in runs:
        if run.is_file():
            raise UserError(f"{run} is a file; give the folder of a run, such as runs/NAME")
    if output and (form != "html" or len(runs) == 1):
        raise UserError("--output is for a page that compares several runs; leave it out")
    if form != "html":
        text = FORMATS["tex" if form == "latex" else form]
        typer.echo("\n".join(map(text, score_tables(entries_of(runs)))))
    elif len(runs) > 1:
        page = output or Path("side-by-side.html")
        print_paths(report=write_side_by_side(entries_of(runs), page))
    elif seed_folders(runs[0]):
        bring_up_to_date(runs[0])
        print_paths(report=runs[0] / "report.html")
    else:
        page = write_report(runs[0])
        tell_unfinished(runs)
        print_paths(report=page)
