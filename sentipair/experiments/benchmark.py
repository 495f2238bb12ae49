"""A leaderboard: several models on several data sets, with the same seeds, tested against the best on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from sentipair.errors import UserError
from sentipair.evaluation.predict import predict
from sentipair.experiments.campaign import Job, run_what_converges
from sentipair.experiments.contest import (
    Entry,
    Margin,
    about_margins,
    floors_table,
    margins,
    show_margin,
    show_score,
)
from sentipair.experiments.entrant import Entrant
from sentipair.experiments.run import REPORT
from sentipair.experiments.workbench import Workbench
from sentipair.features import FeatureStore
from sentipair.files import refuse_foreign, write_json
from sentipair.models.persistence import load_model
from sentipair.reporting.comparison import forest_figure
from sentipair.reporting.page import Drawing, Section, write_figures, write_page
from sentipair.reporting.sections import HEADLINES
from sentipair.reporting.seeds import over_seeds
from sentipair.reporting.style import to_svg
from sentipair.reporting.tables import Table, write_tables
from sentipair.training.config import RunConfig
from sentipair.training.recipes import run_name

BOARD = "benchmark.json"

ADAPTED = "†"
"""Marks a model that cannot be, or is not, what its paper describes."""

ROUNDS = 3
"""Passes over the test set of which the fastest is the throughput."""


def benchmark(
    models: Sequence[str],
    data: Sequence[str],
    *,
    seeds: Sequence[int],
    output: Path,
    store: FeatureStore,
    roots: Mapping[str, str] | None = None,
    workers: int | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Train every model on every data set and write a leaderboard per data set into ``output``.

    Args:
        models: see ``Entrant``.
        data: data sets by name, or own tables or folders.
        seeds: of every model.
        output: gets a run folder per model and data set, ``benchmark.json``, ``tables``, ``figures``, ``report.html``.
        store: where features are kept.
        roots: folder of a named data set, by its name.
        workers: see ``run_all``.
        options: of ``recipes.configure``: encoders, engine, overrides.

    Returns:
        What ``benchmark.json`` holds.

    Raises:
        UserError: a name that does not exist, data that cannot be used, or a training that fails; a model that
            diverges is left out and named. The folder holds a page that no benchmark has written.
    """
    refuse_foreign(output, (REPORT, BOARD), config=BOARD, keys=frozenset({"data", "seeds"}))
    if not models:
        raise UserError("name at least one model, see `sentipair models`")
    entrants = {model: Entrant.parse(model) for model in models}
    configs = {
        (source, model): entrant.configure(source, root=(roots or {}).get(source), **options)
        for source in data
        for model, entrant in entrants.items()
    }
    jobs = {key: Job(config=config, folder=output / run_name(config)) for key, config in configs.items()}
    if len({job.folder for job in jobs.values()}) < len(jobs):
        raise UserError("a model is named twice; every model and data set can take part once")
    summaries, diverged = run_what_converges(list(jobs.values()), seeds, store=store, workers=workers)
    boards = {}
    sections: list[Section] = []
    for source in data:
        entries = [
            Entry(
                name=model,
                folder=jobs[source, model].folder,
                summary=summaries[jobs[source, model].folder],
                published=entrants[model].published(source),
            )
            for model in models
            if jobs[source, model].folder in summaries
        ]
        if not entries:
            raise UserError(f"the training of every model diverged on {source}; lower training.learning_rate")
        # chosen before the test scores are looked at: the winner of many on the test posts is partly lucky there
        reference = max(entries, key=lambda entry: entry.summary["validation"]["accuracy"]["mean"])
        entries.sort(key=lambda entry: -entry.summary["test"]["accuracy"]["mean"])
        found = margins(entries, reference)
        costs = {e.name: _cost(configs[source, e.name], e, store) for e in entries}
        table = _leaderboard(source, entries, reference, found, costs, len(seeds))
        floor = entries[0].summary["majority"]["accuracy"]
        figure = forest_figure([entry.score for entry in entries], floor=floor, label="test accuracy")
        svg = to_svg(figure, name=f"board-{len(sections)}", label=f"Test accuracy on {source}")
        sections.append(
            Section(
                title=table.title,
                tables=[table, floors_table(entries[0])],
                drawings=[Drawing(title="Test accuracy", svg=svg)],
            )
        )
        boards[source] = {
            entry.name: {
                "summary": entry.summary,
                "margin": asdict(found[entry.folder]) if entry.folder in found else None,
                **costs[entry.name],
            }
            for entry in entries
        }
    lost = {folder.name: reason for folder, reason in diverged.items()}
    facts = {
        "models": str(len(models)),
        "seeds": ", ".join(map(str, seeds)),
        "encoders": ", ".join(dict.fromkeys(config.encoders.title for config in configs.values())),
    }
    if lost:
        facts["diverged"] = ", ".join(lost)
    result = {"seeds": list(seeds), "encoders": facts["encoders"], "data": boards, "diverged": lost}
    write_json(output / BOARD, result)  # first: it says whose page that is
    write_figures(output / "figures", sections)
    write_page(output / REPORT, title="Leaderboard", facts=facts, sections=sections)
    tables = {
        f"{number}-{section.title}{suffix}": table
        for number, section in enumerate(sections, start=1)
        for suffix, table in zip(("", "-floors"), section.tables, strict=True)
    }
    write_tables(output / "tables", tables)
    return result


def _cost(config: RunConfig, entry: Entry, store: FeatureStore) -> dict[str, float]:
    """Parameters, seconds of training per seed, and test pairs per second of a trained model on stored features."""
    table = Workbench(config, store).table("test")
    model, _ = load_model(entry.runs[0].folder)
    times = []
    for _ in range(ROUNDS):
        start = perf_counter()
        predict(model, table)
        times.append(perf_counter() - start)
    training = [run.result["seconds"]["training"] for run in entry.runs]
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "seconds": float(np.mean(training)),
        "pairs_per_second": len(table) / min(times),
    }


def _leaderboard(
    data: str,
    entries: Sequence[Entry],
    reference: Entry,
    found: Mapping[Path, Margin],
    costs: Mapping[str, Mapping[str, float]],
    seeds: int,
) -> Table:
    clean = any(entry.summary.get("test_clean") for entry in entries)
    shown = [name for name in HEADLINES if name in entries[0].summary["test"]]
    rows = []
    for entry in entries:
        test, cost, margin = entry.summary["test"], costs[entry.name], found.get(entry.folder)
        low, high = test["accuracy"]["interval"]
        rows.append(
            [
                f"{entry.name} {ADAPTED}" if Entrant.parse(entry.name).adapted else entry.name,
                f"{show_score(test['accuracy'])} ({low:.3f} – {high:.3f})",
                *(show_score(test[name]) for name in shown[1:]),
                *([show_score((entry.summary.get("test_clean") or {}).get("accuracy"))] if clean else []),
                *show_margin(margin),
                f"{entry.summary['flips']:.1%}",
                f"{cost['parameters']:,.0f}",
                f"{cost['seconds']:,.0f}",
                f"{cost['pairs_per_second']:,.0f}",
            ]
        )
    floor, clean_floor = entries[0].summary["majority"], entries[0].summary.get("majority_clean")
    row = ["majority class", *(f"{floor[name]:.3f}" for name in shown)]
    row += [f"{clean_floor['accuracy']:.3f}" if clean_floor else "–"] if clean else []
    rows.append(row + [""] * (len(rows[0]) - len(row)))
    columns = [
        "model",
        "Accuracy (95 %)",
        *(HEADLINES[name] for name in shown[1:]),
        *(["Accuracy, clean"] if clean else []),
    ]
    columns += [
        "to the reference (95 %)",
        "p (Holm)",
        "p (McNemar)",
        "flips",
        "parameters",
        "s / seed",
        "pairs / s",
    ]
    return Table(
        title=Path(data).stem,
        columns=columns,
        rows=rows,
        note=f"Scores: {over_seeds(seeds)}; bootstrap intervals over test posts. "
        f"Reference: {reference.name}, the best on validation. {about_margins(found)} "
        "Flips: predictions that change with batch size, order or padding. "
        f"Pairs per second: on stored features. {ADAPTED}: departs from its paper, see `sentipair models NAME`.",
    )
