"""``sentipair evaluate``: a finished run on a split of its own data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sentipair.cli.options import Features, Json, open_store
from sentipair.cli.show import print_json
from sentipair.evaluation.metrics import STATISTICS
from sentipair.experiments.run import evaluate_run
from sentipair.inference.predictor import best_seed


def evaluate(
    run: Annotated[
        Path, typer.Argument(help="A run folder; of several seeds the best on validation is taken.")
    ],
    split: Annotated[str, typer.Option(help="test or validation.")] = "test",
    features: Features = None,
    as_json: Json = False,
) -> None:
    """Evaluate a trained model again: scores with intervals, and whether predictions depend on their neighbours.

    Each look at the test set is counted in the run.

    Example: sentipair evaluate runs/spp-scl-mvsa-single-1a2b3c4d/seed-0
    """
    folder = best_seed(run)
    scores = evaluate_run(
        folder, split=split, store=open_store(features, runs=folder.absolute().parent.parent)
    )
    if as_json:
        print_json(scores)
        return
    console = Console()
    metrics = scores["metrics"]
    for name in STATISTICS:
        low, high = scores["intervals"][name]
        floor = metrics[f"majority_{name}"]
        label = name.replace("_", " ")
        console.print(
            f"{label:<12} {metrics[name]:.3f}  ({low:.3f} – {high:.3f})  majority class {floor:.3f}"
        )
    for name, share in scores["flips"].items():
        console.print(f"changed by {name:<16} {share:.2%}")
    if scores["looks"]:
        console.print(f"looks at the test set so far: {scores['looks']}")
