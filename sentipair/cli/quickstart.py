"""``sentipair quickstart``: the whole way once, on sample data, without a network."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from sentipair.cli.options import open_store
from sentipair.cli.show import print_paths, print_summary
from sentipair.errors import UserError
from sentipair.files import write_text

SAMPLES = 600
DISAGREEMENT = 0.5
SHOWN = 3
MARK = "made-by-quickstart.txt"


def quickstart(
    output: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("demo"),
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew: removes what an earlier quickstart left there.")
    ] = False,
) -> None:
    """Make sample posts, train SPP-SCL on them, evaluate, report, and predict three of them.

    Example: sentipair quickstart
    """
    from sentipair.data import load_dataset
    from sentipair.data.samples import ceilings, generate
    from sentipair.experiments.run import run_seeds
    from sentipair.inference.predictor import Predictor
    from sentipair.training.recipes import configure

    posts, runs = output / "posts", output / "runs"
    run = runs / "spp-scl"
    claim(output)
    if fresh:
        for folder in (posts, run):
            shutil.rmtree(folder, ignore_errors=True)
    if not posts.exists():
        typer.echo(f"1  drawing {SAMPLES} sample posts")
        generate(posts, size=SAMPLES, disagreement=DISAGREEMENT)
    typer.echo("2  training SPP-SCL on them, on frozen MiniLM and EfficientNet-Lite0 features")
    summary = run_seeds(configure("spp-scl", str(posts)), [0], run, store=open_store(None, runs=runs))
    print_summary(summary)
    best = ceilings("sentiment", DISAGREEMENT)
    typer.echo(
        "the best possible accuracy on these posts, by construction: "
        f"text alone {best['text']:.2f}, picture alone {best['image']:.2f}, both {best['both']:.2f}"
    )
    typer.echo(f"3  predicting {SHOWN} posts of the test set")
    predictor = Predictor.from_pretrained(run)
    for pair in load_dataset(posts).split("test").pairs[:SHOWN]:
        prediction = predictor(image=pair.image, text=pair.text)
        found = f"{prediction.label} ({prediction.confidence:.0%}; it is {pair.label})"
        typer.echo(f"   {found}: {pair.text!r} with {pair.image}")
    print_paths(posts=posts, run=run, report=run / "report.html")


def claim(folder: Path) -> None:
    """Mark a new or empty folder as the quickstart's, whose posts and run may be made anew.

    Raises:
        UserError: it holds something, and no quickstart has begun there.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise UserError(f"{folder} holds other files; empty it, or choose another --output")
    write_text(
        folder / MARK, "sentipair quickstart writes posts and runs/spp-scl here, and --fresh removes them\n"
    )
