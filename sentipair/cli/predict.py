"""``sentipair predict``: one post, or a table of posts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sentipair.cli.options import Engine, Json
from sentipair.cli.show import print_json, print_paths
from sentipair.errors import UserError
from sentipair.inference.predictor import Prediction, Predictor
from sentipair.inference.scoring import problems_path, score_table


def predict(
    run: Annotated[
        Path, typer.Argument(help="A run folder; of several seeds the best on validation is taken.")
    ],
    image: Annotated[str | None, typer.Argument(help="A picture; '' for none.")] = None,
    text: Annotated[str, typer.Argument(help="The text that was posted with it.")] = "",
    source: Annotated[
        Path | None, typer.Option("--input", help="A table with image and text columns.", show_default=False)
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where to write: .parquet, .csv or .jsonl.")] = None,
    engine: Engine = "auto",
    as_json: Json = False,
) -> None:
    """The sentiment of a post, or of every post of a table.

    Examples: sentipair predict RUN photo.jpg "what a day"; sentipair predict RUN --input posts.csv --output scored.parquet
    """
    if source is None:
        if image is None and not text:
            raise UserError("give a picture and a text, or --input posts.csv --output scored.parquet")
        prediction = Predictor.from_run(run, engine=engine)(image=image or None, text=text)
        _show(prediction, as_json=as_json)
        return
    if image is not None or output is None:
        raise UserError(
            "--input goes with --output and without a single post: --input posts.csv --output scored.parquet"
        )
    report = score_table(Predictor.from_run(run, engine=engine), source, output)
    if as_json:
        print_json(report.__dict__)
        return
    for name, count in report.counts.items():
        typer.echo(f"{name:<12} {count}")
    paths = {"scored": output}
    if report.left_out or report.without_picture:
        typer.echo(
            f"{len(report.left_out)} rows left out, {len(report.without_picture)} scored by their text alone"
        )
        paths["problems"] = problems_path(output)
    print_paths(**paths)


def _show(prediction: Prediction, *, as_json: bool) -> None:
    if as_json:
        print_json(prediction.__dict__)
        return
    console = Console()
    console.print(f"[bold]{prediction.label}[/]")
    for name, probability in prediction.probabilities.items():
        console.print(f"  {name:<14} {probability:6.1%}  [cyan]{'█' * round(30 * probability)}[/]")
    if prediction.note:
        console.print(f"[yellow]the picture took no part: {prediction.note}")
