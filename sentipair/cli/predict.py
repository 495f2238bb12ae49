"""``sentipair predict``: one post, or a table of posts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentipair.cli.options import Engine, Json, Run
from sentipair.cli.show import print_json, print_paths, print_prediction
from sentipair.errors import UserError

if TYPE_CHECKING:
    from sentipair.inference.scoring import ScoringReport


def predict(
    run: Run,
    image: Annotated[str | None, typer.Argument(help="A picture; '' for none.")] = None,
    text: Annotated[str, typer.Argument(help="The text that was posted with it.")] = "",
    source: Annotated[
        Path | None, typer.Option("--input", help="A table with image and text columns.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Where to write: .parquet, .csv or .jsonl.", show_default=False)
    ] = None,
    engine: Engine = "auto",
    as_json: Json = False,
) -> None:
    """The sentiment of a post, or of every post of a table.

    Example: sentipair predict RUN photo.jpg "what a day"

    Example: sentipair predict RUN --input posts.csv --output scored.parquet
    """
    from sentipair.inference.predictor import Predictor
    from sentipair.inference.scoring import score_table

    if source is None and output is None:
        if not image and not text:
            raise UserError("give a picture and a text, or --input posts.csv --output scored.parquet")
        prediction = Predictor.from_run(run, engine=engine)(image=image or None, text=text)
        (print_json if as_json else print_prediction)(prediction)
    elif source is None or output is None or image is not None:
        raise UserError(
            "a table needs --input and --output, and no single post: --input posts.csv --output scored.parquet"
        )
    else:
        report = score_table(Predictor.from_run(run, engine=engine), source, output)
        print_json(report) if as_json else _print_report(report, output)


def _print_report(report: ScoringReport, output: Path) -> None:
    from sentipair.inference.writing import problems_path

    width = max(map(len, report.counts))
    for name, count in report.counts.items():
        typer.echo(f"{name:<{width}}  {count:,}")
    if report.truncated:
        typer.echo(f"{len(report.truncated):,} texts were cut to what the encoder takes")
    paths = {"scored": output}
    if report.has_problems:
        typer.echo(
            f"{len(report.left_out):,} rows left out, {len(report.without_picture):,} scored by their text alone"
        )
        paths["problems"] = problems_path(output)
    print_paths(**paths)
