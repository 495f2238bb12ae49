"""``sentipair evaluate``: a finished run on a split of its own data."""

from __future__ import annotations

from typing import Annotated

import typer

from sentipair.cli.options import Features, Json, Run, nearest_store
from sentipair.cli.show import print_json, print_scores


def evaluate(
    run: Run,
    split: Annotated[str, typer.Option(help="test, validation or train.")] = "test",
    features: Features = None,
    as_json: Json = False,
) -> None:
    """Evaluate a trained model again: scores with intervals, and whether predictions depend on their neighbours.

    Each look at the test set is counted in the run.

    Example: sentipair evaluate runs/spp-scl-mvsa-single-1a2b3c4d/seed-0
    """
    from sentipair.experiments.run import evaluate_run
    from sentipair.inference.pretrained import best_seed

    folder = best_seed(run)
    store = nearest_store(features, folder)
    scores = evaluate_run(folder, split=split, store=store)
    if as_json:
        print_json({"run": str(folder), "split": split, **scores})
    else:
        print_scores(scores, title=f"{folder} on {split}")
