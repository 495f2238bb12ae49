"""The page of a sweep: how the best score rose, what each setting did, and the best trials."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from sentipair.reporting.page import Drawing, Section, write_page
from sentipair.reporting.run import Json
from sentipair.reporting.style import LIGHT, new_figure, styled, to_svg
from sentipair.reporting.tables import Table

SHOWN = 5
"""Trials in the table."""


def write_sweep_page(path: Path, summary: Json) -> Path:
    """Write the page of a sweep from its ``sweep.json`` and return its path."""
    trials, space = summary["trials"], summary["identity"]["search space"]
    scored = [trial for trial in trials if trial["score"] is not None]
    searched = []
    if scored:
        scores = [trial["score"] for trial in scored]
        history = history_figure([trial["score"] for trial in trials], floor=summary["majority"])
        svg = to_svg(history, name="history", label="Validation accuracy of every trial")
        caption = "A dot per trial, the best so far as a line; the level line is the majority class."
        searched.append(Drawing(title="Trial by trial", svg=svg, caption=caption))
        for place, (name, (_, _, logarithmic)) in enumerate(space.items()):
            values = [trial["settings"][name] for trial in scored]
            figure = setting_figure(values, scores, logarithmic=logarithmic)
            svg = to_svg(figure, name=f"setting-{place}", label=f"Validation accuracy over {name}")
            searched.append(Drawing(title=name, svg=svg))
    facts = {
        "trials": f"{len(trials)}, {len(scored)} with a score",
        "seeds": ", ".join(map(str, summary["identity"]["seeds"])),
        "score": "validation accuracy of the best epoch; the test set took no part",
    }
    sections = [
        Section(title="Search", drawings=searched),
        Section(title="Best trials", tables=[best_table(summary)]),
    ]
    title = f"Sweep of {summary['model']} on {Path(summary['data']).name}"
    return write_page(path, title=title, facts=facts, sections=sections)


def best_table(summary: Json) -> Table:
    """The best trials, one per column, and how much each setting matters where that is known."""
    shares = summary["importances"]
    trials = summary["trials"]
    scored = [number for number, trial in enumerate(trials) if trial["score"] is not None]
    best = sorted(scored, key=lambda number: (-trials[number]["score"], number))[:SHOWN]
    rows = [
        [
            name,
            *([f"{shares[name]:.0%}"] if shares else []),
            *(f"{trials[number]['settings'][name]:.2g}" for number in best),
        ]
        for name in summary["identity"]["search space"]
    ]
    score = ["accuracy", *([""] if shares else []), *(f"{trials[n]['score']:.3f}" for n in best)]
    return Table(
        title=f"The best of {len(trials)} trials on validation",
        columns=["trial", *(["matters"] if shares else []), *map(str, best)],
        rows=[score, *rows],
        note="The best of many scores is too good by chance: train anew with its settings, and test once.",
    )


@styled
def history_figure(scores: Sequence[float | None], *, floor: float) -> Figure:
    """The score of every trial in its order; a cross at the bottom where there is none."""
    figure, axes = new_figure(3.8, 2.9)
    known = [(number, score) for number, score in enumerate(scores) if score is not None]
    numbers, values = zip(*known, strict=True)
    axes.step(numbers, list(accumulate(values, max)), where="post", color=LIGHT["accent"])
    axes.plot(numbers, values, "o", color=LIGHT["accent"], alpha=0.5, markersize=4.5)
    axes.axhline(floor, color=LIGHT["floor"], linewidth=1.4)
    failed = [number for number, score in enumerate(scores) if score is None]
    axes.plot(failed, [min(floor, *values)] * len(failed), "x", color=LIGHT["muted"], markersize=5)
    axes.set_xlabel("trial")
    axes.set_ylabel("validation accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
    return figure


@styled
def setting_figure(values: Sequence[float], scores: Sequence[float], *, logarithmic: bool) -> Figure:
    """The scores over the values of one setting; the best trial is marked."""
    figure, axes = new_figure(3.8, 2.4)
    best = max(range(len(scores)), key=scores.__getitem__)
    axes.plot(values, scores, "o", color=LIGHT["accent"], alpha=0.5, markersize=4.5)
    axes.plot(values[best], scores[best], "D", color=LIGHT["ink"], markersize=6)
    axes.set_ylabel("validation accuracy")
    if logarithmic:
        axes.set_xscale("log")
        wide = max(values) > 100 * min(values)
        narrow = max(values) < 5 * min(values)  # then hardly a 1, 2 or 5 is among them
        few = MaxNLocator(nbins=3) if narrow else LogLocator(subs=(1,) if wide else (1, 2, 5))
        axes.xaxis.set_major_locator(few)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
    return figure
