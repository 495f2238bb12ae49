"""``sentipair explain``: why the model says what it says of a post, and whether such explanations are faithful."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sentipair.cli.options import Engine, Json, Model
from sentipair.cli.predict import read_words, require_picture
from sentipair.cli.show import print_json, print_paths, print_prediction
from sentipair.errors import UserError
from sentipair.files import same_place

if TYPE_CHECKING:
    from sentipair.data import Pair
    from sentipair.explain import Explanation
    from sentipair.explain.faithfulness import DeletionCheck

SHOWN = 5
"""Words that are printed."""


def explain(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN] [IMAGE] [TEXT]",
            help="A picture ('' for none) and the text that was posted with it; before them, if you like, the model.",
            show_default=False,
        ),
    ] = None,
    model: Model = None,
    output: Annotated[
        Path | None, typer.Option(help="Where to write: .html, .png, .svg or .pdf.", show_default=False)
    ] = None,
    method: Annotated[
        Literal["occlusion", "feature-occlusion", "integrated-gradients"],
        typer.Option(help="Leave parts of the post out, hide their features, or follow the gradients."),
    ] = "occlusion",
    target: Annotated[
        str | None, typer.Option(help="The class to explain; default the predicted one.", show_default=False)
    ] = None,
    check: Annotated[
        int | None,
        typer.Option(
            min=2, help="Instead: is it faithful on this many test posts of RUN?", show_default=False
        ),
    ] = None,
    engine: Engine = "auto",
    as_json: Json = False,
) -> None:
    """Which words and which parts of the picture speak for and against the predicted class.

    Example: sentipair explain photo.jpg "what a day" --output why.html

    Example: sentipair explain RUN --check 100
    """
    model, image, text = read_words(words or [], model)
    if check is None and not image and not text.strip():
        raise UserError(
            'give a picture and a text: sentipair explain photo.jpg "what a day" --output why.html'
        )
    require_picture(image, command="explain")
    if output is not None and image and same_place(output, Path(image)):
        raise UserError(f"{output} is the picture to be explained; choose another --output")
    from sentipair.explain import explain
    from sentipair.explain.faithfulness import check_deletion
    from sentipair.explain.page import write_explanation
    from sentipair.inference import Predictor
    from sentipair.inference.posts import make_pair, require_usable

    if check is not None:
        predictor = Predictor.from_pretrained(model, engine=engine)
        checks = check_deletion(predictor, posts_of(model, check), method=method)
        print_json({kind: asdict(one) for kind, one in checks.items()}) if as_json else print_checks(checks)
        return
    # compiling the encoders pays from some hundred posts on
    predictor = Predictor.from_pretrained(model, engine="torch" if engine == "auto" else engine)
    pair = make_pair(image=image, text=text, name="post")
    explanation = explain(predictor, pair, method=method, target=target)
    require_usable(pair, explanation.prediction)
    if output is not None:
        write_explanation(output, explanation, pair)
    if as_json:
        print_json(explanation.to_dict())
        return
    print_influence(explanation)
    if output is not None:
        print_paths(explained=output)


def posts_of(model: str | None, count: int) -> list[Pair]:
    """``count`` posts of the test split that a run has predicted, evenly spread over it.

    Raises:
        UserError: the run has no predictions.
    """
    from sentipair.data import Pair
    from sentipair.inference.pretrained import find_model
    from sentipair.reporting.run import SeedRun

    folder = find_model(model)
    predictions = SeedRun(folder).predictions("test")
    if predictions is None or not predictions.rows:
        raise UserError(
            f"{folder} has no test posts to check with; give a run: sentipair explain RUN --check 100"
        )
    rows = predictions.rows
    count = min(count, len(rows))
    chosen = (rows[place * len(rows) // count] for place in range(count))
    return [Pair(id=row.id, text=row.text, image=Path(row.image) if row.image else None) for row in chosen]


def print_influence(explanation: Explanation) -> None:
    """Print what the model says, and the strongest words and parts of the picture."""
    print_prediction(explanation.prediction)
    ranked = sorted(explanation.words, key=lambda word: -abs(word.influence))[:SHOWN]
    if ranked:
        typer.echo(f"words for (+) and against (−) {explanation.target}, in points of probability:")
    for word in ranked:
        typer.echo(f"  {_points(word.influence)}  {word.text}")
    if explanation.regions:
        values = [region.influence for region in explanation.regions]
        typer.echo(f"parts of the picture: {_points(min(values))} to {_points(max(values))}")


def print_checks(checks: dict[str, DeletionCheck]) -> None:
    """Print a line per kind of check."""
    for kind, found in checks.items():
        low, high = found.interval
        typer.echo(
            f"{kind:<7}  {found.posts:,} posts   taken away by influence, not at random, the probability falls by "
            f"{found.gain:.3f} more on average (95 % interval {low:.3f} – {high:.3f})"
        )
    typer.echo("an interval above 0: the influence is faithful; one around 0: it says no more than chance")


def _points(influence: float) -> str:
    return f"{100 * influence:+6.1f}".replace("-", "−")
