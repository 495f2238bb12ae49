"""``sentipair predict``: one post, or a table of posts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sentipair.cli.options import Json, Model, Threshold
from sentipair.cli.show import print_json, print_paths, print_prediction
from sentipair.errors import UserError
from sentipair.files import NOT_FETCHED, is_address, is_file, is_folder
from sentipair.memory import lasting_objects

if TYPE_CHECKING:
    from sentipair.inference.summary import Example, ScoringReport


EXCERPT = 60
"""Characters of an example's text."""


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
        Path | None,
        typer.Option(
            "--input",
            help="A table with image and text columns, a folder, or - for standard input.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Where to write: .parquet, .csv or .jsonl.", show_default=False)
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write an HTML page with charts, too.", show_default=False)
    ] = None,
    date: Annotated[
        str | None, typer.Option(help="A column with dates, for the page.", show_default=False)
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="A column with groups, for the page.", show_default=False)
    ] = None,
    threshold: Threshold = 0.0,
    engine: Annotated[
        Literal["auto", "torch", "openvino", "ray"],
        typer.Option(help="How the frozen encoders are run; ray scores a table on a Ray cluster."),
    ] = "auto",
    as_json: Json = False,
) -> None:
    """The sentiment of a post, or of every post of a table.

    Example: sentipair predict photo.jpg "what a day"

    A table that was stopped goes on where it was when the command is repeated.

    Example: sentipair predict RUN --input posts.csv --output scored.parquet --report scored.html --date created_at
    """
    model, image, text = read_words(words or [], model)
    if source is None and output is None:
        if not image and not text.strip():
            raise UserError("give a picture and a text, or --input posts.csv --output scored.parquet")
        if engine == "ray":
            raise UserError("a Ray cluster scores tables: --input posts.csv --output scored.parquet")
        require_picture(image, command="predict")
        with lasting_objects():
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
    elif (date or group) and report is None:
        raise UserError("--date and --group are for the page; name it too: --report scored.html")
    else:
        with lasting_objects():
            from sentipair.inference import Predictor
            from sentipair.inference.scoring import score_table

            predictor = Predictor.from_pretrained(
                model, engine="auto" if engine == "ray" else engine, threshold=threshold
            )
        found = score_table(
            predictor,
            sys.stdin.buffer if str(source) == "-" else source,
            output,
            workers="ray" if engine == "ray" else "threads",
            report=report,
            date=date,
            group=group,
        )
        if as_json:
            print_json(found)
        else:
            _print_report(found)
            print_paths(**_paths(found, output, report))


def read_words(words: Sequence[str], model: str | None) -> tuple[str | None, str, str]:
    """Model, picture and text from the words of the command line.

    The first word is the model where there are three, or where it is a folder: a picture is never one. Otherwise the
    words are the picture and the text.

    Raises:
        UserError: too many words.
    """
    rest = list(words)
    if model is None and rest and (len(rest) == 3 or (rest[0] and is_folder(rest[0]))):
        model = rest.pop(0)
    if len(rest) > 2:
        raise UserError("give at most a picture and a text; a text of several words stands in quotes")
    image, text = (*rest, "", "")[:2]
    return model, image, text


def require_picture(image: str, *, command: str) -> None:
    """Check that the picture of the command line, if any, is a file, before much is imported.

    Raises:
        UserError: it is not.
    """
    if is_address(image):
        raise UserError(NOT_FETCHED.format(image))
    if image and not is_file(image):
        raise UserError(
            f"there is no picture at {image}; a text stands in quotes, for a text alone: "
            f'sentipair {command} "" "the text"'
        )


def _print_report(report: ScoringReport) -> None:
    counts = {**report.counts, "no answer": report.abstained} if report.abstained else report.counts
    width = max(map(len, counts))
    for name, count in counts.items():
        surest = report.examples.get(name, ())[:1]
        typer.echo(f"{name:<{width}}  {count:>7,}" + "".join(f"   {_shown(one)}" for one in surest))
    if report.conflicts:
        surest = report.examples.get("conflict", ())[:1]
        typer.echo(
            f"text and picture disagree in {report.conflicts:,} rows"
            + "".join(f": {_shown(one)}" for one in surest)
        )
    if report.truncated:
        typer.echo(f"{report.truncated:,} texts were cut to what the encoder takes")
    if report.has_problems:
        typer.echo(
            f"{report.left_out:,} rows left out, {report.without_picture:,} scored by their text alone"
        )


def _shown(example: Example) -> str:
    shown = example.text if len(example.text) <= EXCERPT else f"{example.text[:EXCERPT].rstrip()}…"
    return f"row {example.row:,} ({example.confidence:.0%}): {shown or example.image}"


def _paths(report: ScoringReport, output: Path, page: Path | None) -> dict[str, Path]:
    from sentipair.inference.writing import problems_path

    problems = {"problems": problems_path(output)} if report.has_problems else {}
    return {"scored": output, **problems, **({"report": page} if page else {})}
