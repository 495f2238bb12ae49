"""The parts of a report page about several seeds: scores side by side, classes and curves pooled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sentipair.reporting.figures import Curve, curves_figure, seeds_figure
from sentipair.reporting.page import Drawing
from sentipair.reporting.run import Json, SeedRun
from sentipair.reporting.sections import HEADLINES, Headline, confusion, split_table
from sentipair.reporting.style import to_svg


def over_seeds(count: int) -> str:
    """What stands behind ±."""
    if count == 1:
        return "one seed, so nothing is known of how much another one would give"
    return f"mean ± standard deviation over {count} seeds"


def headlines(summary: Json) -> list[Headline]:
    """The headline numbers of ``summary.json``: mean, deviation and interval over the seeds."""
    test, floors = summary.get("test", {}), summary.get("majority") or {}
    return [
        Headline(
            name=name,
            value=test[key]["mean"],
            interval=test[key].get("interval"),
            floor=floors.get(key),
            spread=test[key].get("sd"),
        )
        for key, name in HEADLINES.items()
        if key in test
    ]


def side_by_side(summary: Json, runs: Sequence[SeedRun]) -> Json | None:
    """The dot plot, and a table with a row per seed that links to the seed's own page where there is one."""
    shown = headlines(summary)
    if not shown:
        return None
    values = [summary["test"][key]["values"] for key in HEADLINES if key in summary["test"]]
    figure = seeds_figure(
        {tile.name: scores for tile, scores in zip(shown, values, strict=True)},
        intervals={tile.name: tile.interval for tile in shown if tile.interval},
        floors={tile.name: tile.floor for tile in shown if tile.floor is not None},
    )
    rows = [
        {
            "name": run.folder.name,
            "page": f"{run.folder.name}/report.html" if (run.folder / "report.html").is_file() else None,
            "best_epoch": run.result.get("best_epoch"),
            "metrics": run.splits.get("test", {}).get("metrics") or {},
        }
        for run in runs
    ]
    svg = to_svg(figure, name="seeds", label="Test scores of every seed")
    return {
        "drawing": Drawing(title="Test scores", svg=svg),
        "rows": rows,
        "columns": {key: name for key, name in HEADLINES.items() if key in summary["test"]},
    }


def mean_classes(tests: Sequence[Json]) -> list[Json]:
    """Per-class precision, recall and F1, averaged over the metrics of several seeds."""
    rows = zip(*(test["per_class"] for test in tests), strict=True)
    scores = ("precision", "recall", "f1")
    return [{**row[0], **{key: float(np.mean([one[key] for one in row])) for key in scores}} for row in rows]


def mean_splits(summary: Json, runs: Sequence[SeedRun]) -> list[Json]:
    """The rows of ``split_table``: means over the seeds that have them, intervals of these means."""
    rows: dict[str, list[Json]] = {}
    for run in runs:
        for row in split_table(run.splits):
            rows.setdefault(row["title"], []).append(row)
    return [
        {
            **same[0],
            **{
                key: float(np.mean([row[key] for row in same]))
                for key in HEADLINES
                if same[0][key] is not None
            },
            "interval": summary.get(same[0]["key"], {}).get("accuracy", {}).get("interval"),
        }
        for same in rows.values()
    ]


def pooled_confusion(tests: Sequence[Json]) -> Drawing | None:
    """The sum of the confusion matrices of several seeds."""
    if not tests:
        return None
    counts = np.sum([test["confusion"] for test in tests], axis=0).tolist()
    return confusion({**tests[0], "confusion": counts}, where=f"test, {len(tests)} seeds together")


def curves(runs: Sequence[SeedRun]) -> list[Drawing]:
    """The validation scores of every seed over the epochs, one figure per headline number."""
    drawings = []
    for key, name in HEADLINES.items():
        scores = {run.folder.name: curve for run in runs if (curve := _curve(run, key))[0]}
        if scores:
            svg = to_svg(curves_figure(scores), name=f"curve-{key}", label=f"{name} on validation, per seed")
            drawings.append(Drawing(title=f"{name} on validation", svg=svg))
    return drawings


def _curve(run: SeedRun, key: str) -> Curve:
    scored = [epoch for epoch in run.history if key in epoch.get("validation", {})]
    return [epoch["epoch"] for epoch in scored], [epoch["validation"][key] for epoch in scored]
