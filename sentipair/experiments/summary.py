"""What several seeds of one configuration say together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentipair.evaluation.bootstrap import bootstrap_mean_interval, summarise
from sentipair.evaluation.metrics import headline
from sentipair.experiments.unlike import checked_predictions, refuse_unlike
from sentipair.reporting.run import Json, Predictions, SeedRun
from sentipair.training.config import RunConfig


def summarise_seeds(config: RunConfig, runs: Sequence[SeedRun]) -> dict[str, Any]:
    """Mean, standard deviation and interval over finished runs, on validation and, where there is one, on the test set.

    The interval is a bootstrap over posts, drawn jointly for all seeds: how much the mean would move on other posts.
    That over seeds is Student's: how much it would move with other seeds.
    ``majority`` is the floor of the test scores, ``flips`` the largest share of predictions that any check changed,
    ``controls`` the test scores of classifiers that see only what should not matter, ``slices`` parts of the test set
    with mean and deviation of each score. Where posts are also in training, ``test_clean``, ``validation_clean`` and
    ``majority_clean`` are of the others; ``rows`` counts those of the test set.

    Raises:
        UserError: a file of a run is missing, damaged or altered, or the seeds are not of the same data.
    """
    summary: dict[str, Any] = {
        "model": config.model["name"],
        "fidelity": config.fidelity,
        "data": config.data.source,
        "seeds": [run.config["seed"] for run in runs],
        "seconds": round(sum(run.result["seconds"]["training"] for run in runs), 1),
    }
    for split in (name for name in runs[0].splits if all(name in run.splits for run in runs)):
        refuse_unlike(runs[:1], runs[1:], split)
        tables = [checked_predictions(run, split) for run in runs]
        results = [run.splits[split] for run in runs]
        summary[split] = _over_seeds(results, tables)
        if all(result.get("clean") for result in results):
            clean = [result["clean"] for result in results]
            summary[f"{split}_clean"] = _over_seeds(clean, tables, among=tables[0].clean_rows())
    if "test" in summary:
        summary |= _beside([run.splits["test"] for run in runs])
    if controls := runs[0].result.get("controls"):
        summary["controls"] = {name: scores["test"] for name, scores in controls.items() if "test" in scores}
    return summary


def _beside(tests: Sequence[Json]) -> dict[str, Any]:
    """What stands beside the test scores."""
    parts = {"test": tests[0], "test_clean": tests[0].get("clean")}
    return {
        "rows": {name: _count(part) for name, part in parts.items() if part},
        "majority": _majority(tests[0]),
        **({"majority_clean": _majority(parts["test_clean"])} if parts["test_clean"] else {}),
        "flips": max(max(test["flips"].values()) for test in tests),
        "slices": _slices_over_seeds(tests),
    }


def _slices_over_seeds(tests: Sequence[Json]) -> list[Json]:
    """Each slice of all seeds with mean, standard deviation and values of its scores, None where the slice has none."""
    by_name = [{(row["by"], row["name"]): row for row in test.get("slices", ())} for test in tests]
    return [
        {key: row[key] for key in ("by", "name", "count")}
        | {
            score: _mean(score, [rows[name] for rows in by_name])
            for score in ("accuracy", "weighted_f1", "macro_f1")
        }
        for name, row in by_name[0].items()
        if all(name in rows for rows in by_name)  # older runs know fewer
    ]


def _mean(name: str, scores: Sequence[Json]) -> Json | None:
    if scores[0][name] is None:
        return None
    values = [float(score[name]) for score in scores]
    over_seeds = summarise(values)
    return {"mean": over_seeds.mean, "sd": over_seeds.sd, "values": values}


def _over_seeds(
    results: Sequence[Json], tables: Sequence[Predictions], *, among: NDArray[np.bool_] | None = None
) -> dict[str, Any]:
    """Each statistic of ``results``, one per seed, with an interval from the predictions of the rows ``among`` [N]."""
    targets = tables[0].label_indices()
    rows = targets >= 0 if among is None else (targets >= 0) & among
    answers = [table.prediction_indices()[rows] for table in tables]
    scores: dict[str, Any] = {}
    for name in headline(len(tables[0].classes)):
        values = [float(result["metrics"][name]) for result in results]
        over_seeds = summarise(values)
        interval = bootstrap_mean_interval(
            targets[rows], answers, num_classes=len(tables[0].classes), statistic=name
        )
        scores[name] = {
            "mean": over_seeds.mean,
            "sd": over_seeds.sd,
            "values": values,
            "interval": interval,
            "interval_over_seeds": over_seeds.interval,
        }
    return scores


def _majority(result: Json) -> dict[str, float]:
    return {name: result["metrics"][f"majority_{name}"] for name in result["intervals"]}


def _count(result: Json) -> int:
    return sum(row["support"] for row in result["metrics"]["per_class"])
