"""What several seeds of one configuration say together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sentipair.errors import UserError
from sentipair.evaluation.bootstrap import bootstrap_mean_interval, summarise
from sentipair.evaluation.metrics import STATISTICS
from sentipair.reporting.run import Json, Predictions, SeedRun
from sentipair.training.config import RunConfig


def summarise_seeds(config: RunConfig, runs: Sequence[SeedRun]) -> dict[str, Any]:
    """Mean, standard deviation and interval over finished runs, on validation and, where there is one, on the test set.

    The interval is a bootstrap over posts, drawn jointly for all seeds: how much the mean would move on other posts.
    ``majority`` is the floor of the test scores, ``flips`` the largest share of predictions that any check changed.

    Raises:
        UserError: a file of a run is missing or damaged.
    """
    summary: dict[str, Any] = {
        "model": config.model["name"],
        "fidelity": config.model.get("fidelity"),
        "data": config.data.source,
        "seeds": [run.config["seed"] for run in runs],
        "seconds": round(sum(run.result["seconds"]["training"] for run in runs), 1),
    }
    for split in runs[0].splits:
        summary[split] = _over_seeds(split, runs)
    if "test" in summary:
        metrics = runs[0].splits["test"]["metrics"]
        summary["majority"] = {name: metrics[f"majority_{name}"] for name in STATISTICS}
        summary["flips"] = max(max(run.splits["test"]["flips"].values()) for run in runs)
    return summary


def _over_seeds(split: str, runs: Sequence[SeedRun]) -> Json:
    tables = [_predictions(run, split) for run in runs]
    targets = tables[0].label_indices()
    labelled = targets >= 0
    answers = [table.prediction_indices()[labelled] for table in tables]
    scores: dict[str, Any] = {}
    for name in STATISTICS:
        values = [float(run.splits[split]["metrics"][name]) for run in runs]
        over_seeds = summarise(values)
        interval = bootstrap_mean_interval(
            targets[labelled], answers, num_classes=len(tables[0].classes), statistic=name
        )
        scores[name] = {
            "mean": over_seeds.mean,
            "sd": over_seeds.sd,
            "values": values,
            "interval": interval,
        }
    return scores


def _predictions(run: SeedRun, split: str) -> Predictions:
    found = run.predictions(split)
    if found is None:
        raise UserError(f"predictions-{split}.parquet is missing in {run.folder}; run `sentipair evaluate`")
    return found
