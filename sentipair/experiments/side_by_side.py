"""Finished runs beside each other, as a page or as a table for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sentipair.errors import UserError
from sentipair.experiments.contest import (
    Entry,
    about_margins,
    contest_table,
    floors_table,
    margins,
    show_score,
)
from sentipair.experiments.run import CONFIG, finished_runs, tell_unfinished
from sentipair.experiments.summary import summarise_seeds
from sentipair.reporting.comparison import forest_figure
from sentipair.reporting.page import Drawing, Section, write_page
from sentipair.reporting.run import Json
from sentipair.reporting.sections import HEADLINES
from sentipair.reporting.seeds import over_seeds
from sentipair.reporting.slices import GROUPS
from sentipair.reporting.style import to_svg
from sentipair.reporting.tables import Table
from sentipair.runs import CLEAN, RESULT, seed_folders
from sentipair.training.config import RunConfig


def entries_of(folders: Sequence[Path]) -> list[Entry]:
    """The runs in ``folders``, each with its seeds, named after their folders.

    Raises:
        UserError: a folder holds no finished run with a test set.
    """
    entries = []
    for folder in folders:
        tell_unfinished(seed_folders(folder))
        runs = finished_runs(folder)
        summary = summarise_seeds(RunConfig.read(runs[0].folder / CONFIG), runs) if runs else {}
        if "test" not in summary:
            above = f", such as {folder.absolute().parent}" if (folder / RESULT).exists() else ""
            raise UserError(
                f"there is no finished run with a test set in {folder}; give the folder that holds seed-0{above}"
            )
        entries.append(Entry(name=folder.absolute().name, folder=folder, summary=summary, published={}))
    if len({entry.name for entry in entries}) < len(entries):
        return [Entry(**{**vars(entry), "name": str(entry.folder)}) for entry in entries]
    return entries


def score_tables(entries: Sequence[Entry]) -> list[Table]:
    """The scores of the runs, with paired tests against the first, and their slices.

    Raises:
        UserError: the runs are not on the same posts.
    """
    if len(entries) == 1:
        return [_splits_table(entries[0]), floors_table(entries[0]), *_slice_tables(entries)]
    title = f"Runs on {Path(entries[0].summary['data']).stem}"
    found = margins(entries, entries[0])
    table = contest_table(
        title, entries, found, note=f"Scores: {_over_seeds(entries)}. {about_margins(found)}"
    )
    return [table, floors_table(entries[0]), *_slice_tables(entries)]


def write_side_by_side(entries: Sequence[Entry], path: Path) -> Path:
    """A page that compares the runs; returns ``path``.

    Raises:
        UserError: the runs are not on the same posts.
    """
    tables = score_tables(entries)
    floor = entries[0].summary["majority"]["accuracy"]
    figure = forest_figure([entry.score for entry in entries], floor=floor, label="test accuracy")
    svg = to_svg(figure, name="runs", label="Test accuracy of every run")
    sections = [
        Section(title="Test scores", tables=tables[:2], drawings=[Drawing(title="Test accuracy", svg=svg)]),
        Section(title="Slice by slice", tables=tables[2:]),
    ]
    facts = {"data": Path(entries[0].summary["data"]).stem, "runs": str(len(entries))}
    return write_page(path, title="Runs side by side", facts=facts, sections=sections)


def _over_seeds(entries: Sequence[Entry]) -> str:
    """What stands behind ±, for every entry where they have different numbers of seeds."""
    counts = {entry.name: len(entry.summary["seeds"]) for entry in entries}
    if len({*counts.values()}) == 1:
        return over_seeds(len(entries[0].summary["seeds"]))
    return "; ".join(f"{name}: {over_seeds(count)}" for name, count in counts.items())


def _splits_table(entry: Entry) -> Table:
    summary = entry.summary
    shown = [name for name in HEADLINES if name in summary["test"]]
    names = {
        "validation": "validation",
        "validation_clean": "validation, clean",
        "test": "test",
        "test_clean": "test, clean",
    }
    rows = [
        [name, *(_with_interval(summary[key][metric]) for metric in shown)]
        for key, name in names.items()
        if key in summary
    ]
    return Table(
        title=entry.name,
        columns=["split", *(HEADLINES[metric] for metric in shown)],
        rows=rows,
        note=f"Scores: {over_seeds(len(summary['seeds']))}; with a 95 % bootstrap interval over posts. "
        f"Clean: {CLEAN}.",
    )


def _slice_tables(entries: Sequence[Entry]) -> list[Table]:
    """Accuracy per slice of the first run, a column per run; nothing where a run has no such slice of as many posts."""
    known = [
        {
            (part["by"], part["name"], part["count"]): part["accuracy"]
            for part in entry.summary.get("slices", ())
        }
        for entry in entries
    ]
    rows = [
        [
            f"{GROUPS[by]}: {name}",
            f"{count:,}",
            *(show_score(found.get((by, name, count))) for found in known),
        ]
        for by, name, count in known[0]
    ]
    columns = ["slice", "posts", *(entry.name for entry in entries)]
    return [Table(title="Test accuracy by slice", columns=columns, rows=rows)] if rows else []


def _with_interval(score: Json) -> str:
    low, high = score["interval"]
    return f"{show_score(score)} ({low:.3f} – {high:.3f})"
