"""``sentipair predict``: one post, or a table of posts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentipair.cli.options import Engine, Json, Model, Threshold
from sentipair.cli.show import print_json, print_paths, print_prediction
from sentipair.errors import UserError

if TYPE_CHECKING:
    from sentipair.inference.scoring import ScoringReport


def predict(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN] [IMAGE] [TEXT]",
            help="A picture ('' for none) and the text that was posted with it; before them, if you like, the model.",
            show_default=False,
        ),
    ] = None,
    model: Model = None,
    source: Annotated[
        Path | None, typer.Option("--input", help="A table with image and text columns.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Where to write: .parquet, .csv or .jsonl.", show_default=False)
    ] = None,
    threshold: Threshold = 0.0,
    engine: Engine = "auto",
    as_json: Json = False,
) -> None:
    """The sentiment of a post, or of every post of a table.

    Example: sentipair predict photo.jpg "what a day"

    Example: sentipair predict RUN --input posts.csv --output scored.parquet
    """
    model, image, text = read_words(words or [], model)
    if source is None and output is None:
        if not image and not text.strip():
            raise UserError("give a picture and a text, or --input posts.csv --output scored.parquet")
        if image and not Path(image).is_file():
            raise UserError(
                f'there is no picture at {image}; for a text alone: sentipair predict "" "the text"'
            )
        from sentipair.inference import Predictor

        # compiling the encoders pays from some hundred posts on
        chosen = "torch" if engine == "auto" else engine
        predictor = Predictor.from_pretrained(model, engine=chosen, threshold=threshold)
        prediction = predictor(image=image or None, text=text)
        print_json(prediction.to_dict()) if as_json else print_prediction(prediction)
    elif source is None or output is None or image or text:
        raise UserError(
            "a table needs --input and --output, and no single post: --input posts.csv --output scored.parquet"
        )
    else:
        from sentipair.inference import Predictor
        from sentipair.inference.scoring import score_table

        predictor = Predictor.from_pretrained(model, engine=engine, threshold=threshold)
        report = score_table(predictor, source, output)
        print_json(report) if as_json else _print_report(report, output)


def read_words(words: Sequence[str], model: str | None) -> tuple[str | None, str, str]:
    """Model, picture and text from the words of the command line.

    The first word is the model where there are three, or where it is a folder: a picture is never one. Otherwise the
    words are the picture and the text.

    Raises:
        UserError: too many words.
    """
    rest = list(words)
    if model is None and rest and (len(rest) == 3 or (rest[0] and Path(rest[0]).is_dir())):
        model = rest.pop(0)
    if len(rest) > 2:
        raise UserError("give at most a picture and a text; a text of several words stands in quotes")
    image, text = (*rest, "", "")[:2]
    return model, image, text


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
