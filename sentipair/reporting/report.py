"""One self-contained HTML page for a run, or for the same run with several seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sentipair.errors import UserError
from sentipair.files import write_text
from sentipair.progress import track
from sentipair.reporting import sections, seeds, slices
from sentipair.reporting.attention import attention
from sentipair.reporting.calibration import calibration, mean_calibration
from sentipair.reporting.checks import checks, controls
from sentipair.reporting.page import render
from sentipair.reporting.run import Json, SeedRun, average_predictions
from sentipair.runs import CLEAN, read_json, seed_folders, seed_number

Parts = Mapping[str, Callable[[], Any]]
"""What the template prints → how to compute it."""


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into ``folder``, one seed's run or the parent of several, and return its path.

    The page needs no network: pictures and figures are inside it.

    Raises:
        UserError: there is no run in the folder, or a file of it is damaged.
    """
    folder = Path(folder)
    summary = read_json(folder / "summary.json")
    runs = [SeedRun(path) for path in seed_folders(folder) if seed_number(path) in summary.get("seeds", ())]
    if runs:
        parts = _several_seeds(summary, runs)
    elif any((folder / name).is_file() for name in ("result.json", "metrics.jsonl")):
        parts = _one_seed(SeedRun(folder))
    else:
        raise UserError(f"there is no run in {folder}; give the folder that `sentipair train` wrote")
    page = {name: compute() for name, compute in track(parts.items(), "report", total=len(parts))}
    path = folder / "report.html"
    write_text(path, render("report.html", **page, clean=CLEAN))
    return path


def _one_seed(run: SeedRun) -> Parts:
    split, result = next(iter(run.splits.items()), ("test", {}))
    metrics = result.get("metrics")
    where = f"On {split}, with the 95 % bootstrap interval over its posts." if result.get("intervals") else ""
    absent = sections.absent_classes(metrics) if metrics else ""
    return {
        **_any_run(run),
        "title": lambda: _title(run.config.get("model"), run.config.get("data")),
        "facts": lambda: _facts(run.config),
        "headlines": lambda: sections.headlines(result),
        "headline_note": lambda: " ".join(filter(None, (where or f"On {split}.", absent))),
        "seeds": lambda: None,
        "split_table": lambda: sections.split_table(run.splits),
        "classes": lambda: metrics["per_class"] if metrics else [],
        "confusion": lambda: sections.confusion(metrics, where=split) if metrics else None,
        "slices": lambda: slices.of_seed(result),
        "calibration": lambda: calibration(result, where=split),
        "curves": lambda: sections.curves(run),
        "galleries": lambda: sections.galleries(sure) if (sure := run.calibrated(split)) else [],
        "checks": lambda: checks([run]),
        "controls": lambda: controls(
            {
                name: scores["test"]
                for name, scores in run.result.get("controls", {}).items()
                if "test" in scores
            },
            run.splits.get("test", {}).get("metrics") or {},
        ),
    }


def _several_seeds(summary: Json, runs: Sequence[SeedRun]) -> Parts:
    tests = [metrics for run in runs if (metrics := run.splits.get("test", {}).get("metrics"))]
    models = [predictions for run in runs if (predictions := run.calibrated("test"))]
    names = ", ".join(map(str, summary.get("seeds", [])))
    absent = sections.absent_classes(tests[0]) if tests else ""
    return {
        **_any_run(runs[0]),
        "title": lambda: _title(summary.get("model"), runs[0].config.get("data")),
        "facts": lambda: {**_facts(runs[0].config), "seed": names},
        "headlines": lambda: seeds.headlines(summary),
        "headline_note": lambda: (
            f"On test: {seeds.over_seeds(len(runs))}; with a 95 % bootstrap interval over its posts. {absent}"
        ),
        "seeds": lambda: seeds.side_by_side(summary, runs),
        "split_table": lambda: seeds.mean_splits(summary, runs),
        "classes": lambda: seeds.mean_classes(tests),
        "confusion": lambda: seeds.pooled_confusion(tests),
        "slices": lambda: slices.of_seeds(summary),
        "calibration": lambda: mean_calibration([run.splits.get("test", {}) for run in runs]),
        "curves": lambda: seeds.curves(runs),
        "galleries": lambda: sections.galleries(average_predictions(models)) if models else [],
        "checks": lambda: checks(runs),
        "controls": lambda: controls(
            summary.get("controls") or {},
            {name: score["mean"] for name, score in summary.get("test", {}).items()},
        ),
    }


def _any_run(run: SeedRun) -> Parts:
    """What both kinds of page take from one run folder; with several seeds that is the first."""
    tested = run.calibrated("test")
    return {
        "name": lambda: run.folder.name,
        "geometry": lambda: sections.geometry(run, tested) if tested else [],
        "attention": lambda: attention(run, tested) if tested else [],
        "plane": lambda: sections.plane(run, tested) if tested else None,
        "seconds": lambda: sections.flatten(run.result.get("seconds", {})),
        "config": lambda: run.config_text,
        "environment": lambda: sections.flatten(run.environment),
    }


def _title(model: Any, data: Any) -> str:
    return " on ".join(filter(None, (sections.describe(model), sections.describe(data)))) or "A run"


def _facts(config: Json) -> dict[str, str]:
    data, model = config.get("data"), config.get("model")
    parts = (
        {key: data.get(key) for key in ("variant", "scheme", "rationales")}
        if isinstance(data, Mapping)
        else {}
    )
    parts["fidelity"] = model.get("fidelity") if isinstance(model, Mapping) else None
    parts |= {key: config.get(key) for key in ("encoders", "objective", "seed")}
    plugins = config.get("plugins")
    if isinstance(plugins, Mapping):
        parts["plugins"] = ", ".join(_plugin(name, value) for name, value in plugins.items() if value)
    return {key: text for key, value in parts.items() if (text := sections.describe(value))}


def _plugin(name: str, value: Any) -> str:
    """A plug-in with its setting as the command line has it: "rationales", "ensemble 5", "finetune text:4"."""
    if isinstance(value, Mapping):
        value = " ".join(f"{part}:{layers}" for part, layers in value.items())
    return name if value is True else f"{name} {value}"
