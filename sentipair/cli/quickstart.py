"""``sentipair quickstart``: the whole way once, on sample data, without a network."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sentipair.cli.options import open_store
from sentipair.cli.show import print_paths, print_summary
from sentipair.data import load_dataset
from sentipair.data.samples import ceilings, generate
from sentipair.experiments.run import run_seeds
from sentipair.inference.predictor import Predictor
from sentipair.training.recipes import configure

SAMPLES = 600
DISAGREEMENT = 0.5
SHOWN = 3


def quickstart(
    output: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("demo"),
    fresh: Annotated[
        bool, typer.Option(help="Begin anew: removes what an earlier quickstart left there.")
    ] = False,
) -> None:
    """Make sample posts, train SPP-SCL on them, evaluate, report, and predict three of them.

    Example: sentipair quickstart
    """
    console = Console()
    posts, runs = output / "posts", output / "runs"
    if fresh:
        for folder in (posts, runs):
            shutil.rmtree(folder, ignore_errors=True)
    if not posts.exists():
        console.print(f"[bold]1[/] drawing {SAMPLES} sample posts")
        generate(posts, size=SAMPLES, disagreement=DISAGREEMENT)
    console.print("[bold]2[/] training SPP-SCL on them, on frozen MiniLM and EfficientNet-Lite0 features")
    config = configure("spp-scl", str(posts.absolute()))
    summary = run_seeds(config, [0], runs / "spp-scl", store=open_store(None, runs=runs))
    print_summary(summary)
    best = ceilings("sentiment", DISAGREEMENT)
    console.print(
        "the best possible accuracy on these posts, by construction: "
        f"text alone {best['text']:.2f}, picture alone {best['image']:.2f}, both {best['both']:.2f}"
    )
    console.print("[bold]3[/] predicting three posts of the test set")
    predictor = Predictor.from_run(runs / "spp-scl")
    for pair in load_dataset(posts).split("test").pairs[:SHOWN]:
        prediction = predictor(image=pair.image, text=pair.text)
        sure = prediction.probabilities[prediction.label]
        console.print(
            f"  {pair.text!r} with {pair.image}: [bold]{prediction.label}[/] ({sure:.0%}; it is {pair.label})"
        )
    print_paths(posts=posts, run=runs / "spp-scl", report=runs / "spp-scl" / "report.html")
