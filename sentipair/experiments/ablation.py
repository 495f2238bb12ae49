"""A paper's ablations under one protocol: its tables with its numbers beside ours, its curves, its figures.

What is ablated stands in ``recipes/<model>/ablation.yaml``. Variants that come to the same settings, in several tables
or because a point of a curve is the recipe's own value, are trained once.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field

from sentipair.errors import UserError
from sentipair.experiments.campaign import Job, run_what_converges
from sentipair.experiments.contest import Entry, about_margins, contest_table, floors_table, margins
from sentipair.experiments.run import REPORT, finished_runs
from sentipair.experiments.unlike import checked_predictions
from sentipair.features import FeatureStore
from sentipair.files import refuse_foreign, write_json
from sentipair.models import model_class
from sentipair.reporting.comparison import forest_figure, values_figure
from sentipair.reporting.page import Drawing, Section, write_figures, write_page
from sentipair.reporting.sections import HEADLINES, geometry, plane
from sentipair.reporting.seeds import over_seeds
from sentipair.reporting.style import to_svg
from sentipair.reporting.tables import Table, write_tables
from sentipair.training.config import RunConfig
from sentipair.training.recipes import configure

ABLATION = "ablation.json"

FULL = "full"
"""The folder of the model without changes."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Row(_Strict):
    """A variant: what it changes, and per data set what was published for it."""

    name: str
    set: tuple[str, ...] = ()
    published: Mapping[str, Mapping[str, float]] = {}


class AblationTable(_Strict):
    """A table of the paper; the first row is what the others are compared with."""

    name: str
    title: str
    rows: tuple[Row, ...] = Field(min_length=2)


class AblationCurve(_Strict):
    """A figure of the paper: scores over the values of one setting."""

    name: str
    title: str
    setting: str
    label: str
    values: tuple[float, ...] = Field(min_length=2)


class Ablation(_Strict):
    """Everything that is ablated of one model."""

    tables: tuple[AblationTable, ...]
    curves: tuple[AblationCurve, ...] = ()

    def variants(self) -> list[tuple[str, ...]]:
        """The settings to be trained, each once, the full model first."""
        rows = [row.set for table in self.tables for row in table.rows]
        points = [_point(curve, value) for curve in self.curves for value in curve.values]
        return list(dict.fromkeys([(), *rows, *points]))

    def only(self, variants: Container[tuple[str, ...]]) -> Ablation:
        """What is left with some of the variants alone; a table or curve with fewer than two of them is dropped."""
        tables = [
            table.model_copy(update={"rows": tuple(row for row in table.rows if row.set in variants)})
            for table in self.tables
        ]
        curves = [
            curve.model_copy(
                update={"values": tuple(x for x in curve.values if _point(curve, x) in variants)}
            )
            for curve in self.curves
        ]
        return Ablation(
            tables=tuple(table for table in tables if len(table.rows) > 1),
            curves=tuple(curve for curve in curves if len(curve.values) > 1),
        )


def load_ablation(model: str) -> Ablation:
    """The ablations of ``model``.

    Raises:
        UserError: no such model, or none are declared for it.
    """
    path = files("sentipair") / "recipes" / model_class(model).name / "ablation.yaml"
    if not path.is_file():
        raise UserError(
            f"no ablations are declared for {model}; use `sentipair benchmark` with --set instead"
        )
    return Ablation(**yaml.safe_load(path.read_text("utf-8")))


def ablate(
    model: str,
    data: str,
    *,
    seeds: Sequence[int],
    output: Path,
    store: FeatureStore,
    overrides: Sequence[str] = (),
    workers: int | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Run every ablation of ``model`` on ``data`` and write tables, figures and a page into ``output``.

    Args:
        model: a registered model.
        data: a data set by name, or an own table or folder.
        seeds: of every variant.
        output: gets ``variants/<settings>/seed-N``, ``ablation.json``, ``tables``, ``figures``, ``report.html``.
        store: where features are kept.
        overrides: settings of all variants, see ``configure``.
        workers: see ``run_all``.
        options: of ``configure``: root, encoders, engine, fidelity.

    Returns:
        What ``ablation.json`` holds.

    Raises:
        UserError: the data cannot be used, or a training fails; a variant that diverges is left out and named; or the
            folder holds a page that no ablation has written.
    """
    refuse_foreign(output, (REPORT, ABLATION), config=ABLATION, keys=frozenset({"model", "variants"}))
    ablation = load_ablation(model)
    varied = {change.partition("=")[0] for changes in ablation.variants() for change in changes}
    if fixed := varied & {override.partition("=")[0].strip() for override in overrides}:
        raise UserError(f"the ablation itself varies {', '.join(sorted(fixed))}; leave that --set out")
    configs = {
        changes: configure(model, data, overrides=[*overrides, *changes], **options)
        for changes in ablation.variants()
    }
    folders = variant_folders(output, configs)
    # of several variants in one folder, one job
    jobs = {folder: Job(config=configs[changes], folder=folder) for changes, folder in folders.items()}
    found_in, diverged = run_what_converges([*jobs.values()], seeds, store=store, workers=workers)
    if reason := diverged.get(folders[()]):
        raise UserError(f"the model itself does not train, so there is nothing to compare with: {reason}")
    summaries = {changes: found_in[folder] for changes, folder in folders.items() if folder in found_in}
    ablation = ablation.only(summaries)

    def entry(row: Row) -> Entry:
        return Entry(
            name=row.name,
            folder=folders[row.set],
            summary=summaries[row.set],
            published=row.published.get(data, {}),
        )

    rows = {(): Row(name=model)} | {row.set: row for table in ablation.tables for row in table.rows}
    full = entry(rows[()])
    found = margins([entry(row) for row in rows.values()], full)
    tables = [
        contest_table(
            f"{table.name}. {table.title}",
            [entry(row) for row in table.rows],
            found,
            note=_note(
                configs[()],
                len(seeds),
                about_margins(found),
                published=any(data in row.published for row in table.rows),
            ),
        )
        for table in ablation.tables
    ]
    names = [block.name.lower().replace(" ", "-") for block in ablation.tables]
    tables.append(floors_table(full))
    lost = {_name(changes): diverged[folder] for changes, folder in folders.items() if folder in diverged}
    result = {
        "model": model,
        "diverged": lost,
        "data": data,
        "seeds": list(seeds),
        "variants": {
            _name(changes): {
                "summary": summary,
                "margin": asdict(margin) if (margin := found.get(folders[changes])) else None,
            }
            for changes, summary in summaries.items()
        },
    }
    write_json(output / ABLATION, result)  # first: it says whose page that is
    write_tables(output / "tables", dict(zip([*names, "floors"], tables, strict=True)))
    _write_page(
        output, ablation, tables, [entry(row) for row in rows.values()], summaries, folders, configs[()], lost
    )
    return result


def variant_folders(
    output: Path, configs: Mapping[tuple[str, ...], RunConfig]
) -> dict[tuple[str, ...], Path]:
    """Where the seeds of each variant are: of several with the same configuration, in the folder of the first."""
    first: dict[str, Path] = {}
    return {
        changes: first.setdefault(config.identity(), Path(output) / "variants" / _name(changes))
        for changes, config in configs.items()
    }


def _name(changes: Sequence[str]) -> str:
    return ",".join(changes) or FULL


def _point(curve: AblationCurve, value: float) -> tuple[str, ...]:
    return (f"{curve.setting}={value:g}",)


def _note(config: RunConfig, seeds: int, margins_note: str, *, published: bool) -> str:
    encoders = f"{config.encoders.text} and {config.encoders.image}"
    claim = "Published: accuracy / F1 as the paper has it. Ours: " if published else ""
    return (
        f"{claim}{config.fidelity}, with {encoders}, {over_seeds(seeds)}, the epoch chosen on validation. "
        f"{margins_note}"
    )


def _write_page(
    output: Path,
    ablation: Ablation,
    tables: Sequence[Table],
    entries: Sequence[Entry],
    summaries: Mapping[tuple[str, ...], Mapping[str, Any]],
    folders: Mapping[tuple[str, ...], Path],
    config: RunConfig,
    lost: Mapping[str, str],
) -> None:
    full = entries[0]
    run = full.runs[0]
    tested = checked_predictions(run)
    floor = full.summary["majority"]["accuracy"]
    overview = forest_figure([entry.score for entry in entries], floor=floor, label="test accuracy")
    sections = [
        Section(
            title="All variants",
            lead="Test accuracy. Whether a difference is more than chance, the tables say.",
            drawings=[
                Drawing(title="Test accuracy", svg=to_svg(overview, name="variants", label="Test accuracy"))
            ],
        ),
        *(Section(title=table.title, tables=[table]) for table in tables),
        *(
            Section(title=f"{curve.name}. {curve.title}", drawings=_draw_curve(curve, summaries, folders))
            for curve in ablation.curves
        ),
        Section(
            title="Embedding space of the full model",
            lead=f"Distances between the test posts of {run.folder.name}, before and after training.",
            drawings=geometry(run, tested),
        ),
        Section(title="Fused features", drawings=[*filter(None, [plane(run, tested)])]),
    ]
    name = config.model["name"]
    facts = {
        "model": name,
        "data": Path(config.data.source).stem,
        "fidelity": config.fidelity,
        "encoders": config.encoders.title,
        "seeds": ", ".join(map(str, full.summary["seeds"])),
        "test posts": f"{len(tested.rows):,}",
    }
    if lost:
        facts["diverged"] = ", ".join(lost)
    write_figures(output / "figures", sections)
    write_page(
        output / REPORT,
        title=f"Ablations of {model_class(name).title}",
        facts=facts,
        sections=sections,
    )


def _draw_curve(
    curve: AblationCurve,
    summaries: Mapping[tuple[str, ...], Mapping[str, Any]],
    folders: Mapping[tuple[str, ...], Path],
) -> list[Drawing]:
    """The scores on test and validation over the values of the setting, and how often step 2 was taken."""
    points = [summaries[_point(curve, value)] for value in curve.values]
    drawings = []
    for split in ("test", "validation"):
        scores = {
            name: [(point[split][key]["mean"], point[split][key]["sd"]) for point in points]
            for key, name in HEADLINES.items()
            if key in points[0][split]
        }
        figure = values_figure(curve.values, scores, label=curve.label, of="score")
        svg = to_svg(figure, name=f"{curve.setting}-{split}", label=f"{curve.title}, {split}")
        caption = f"{over_seeds(len(points[0]['seeds']))}.".capitalize()
        drawings.append(Drawing(title=split.capitalize(), svg=svg, caption=caption))
    shares = [
        [
            epoch["train"]["step2"]
            for run in finished_runs(folders[_point(curve, value)], point["seeds"])
            for epoch in run.history
            if "step2" in epoch["train"]
        ]
        for value, point in zip(curve.values, points, strict=True)
    ]
    if not all(shares):  # an objective of one step
        return drawings
    steps = {
        "second steps": [
            (float(np.mean(share)), float(np.std(share, ddof=1)) if len(share) > 1 else None)
            for share in shares
        ]
    }
    figure = values_figure(curve.values, steps, label=curve.label, of="share of batches")
    svg = to_svg(figure, name="steps", label="Second steps")
    caption = "Share of batches in which the second step was taken; mean and deviation over epochs and seeds."
    return [*drawings, Drawing(title="Second steps", svg=svg, caption=caption)]
