"""Finished configurations side by side: the same posts, the same seeds, paired tests against one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sentipair.evaluation.bootstrap import Interval
from sentipair.evaluation.comparison import McNemar, holm, mcnemar, paired_bootstrap, paired_permutation
from sentipair.experiments.run import finished_runs
from sentipair.experiments.unlike import checked_predictions, refuse_unlike
from sentipair.reporting.comparison import Score
from sentipair.reporting.run import Json, SeedRun
from sentipair.reporting.sections import HEADLINES, absent_classes
from sentipair.reporting.tables import Table


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A configuration in a contest.

    Attributes:
        name: as the tables call it.
        folder: of its seeds.
        summary: over the seeds, see ``summarise_seeds``.
        published: what its authors report, by metric; empty where they report nothing.
    """

    name: str
    folder: Path
    summary: Json
    published: Mapping[str, float]

    @property
    def runs(self) -> list[SeedRun]:
        """The seeds that the summary is over."""
        return finished_runs(self.folder, self.summary["seeds"])

    @property
    def best_place(self) -> int:
        """The place of the seed that is best on validation, the first of equals."""
        values = self.summary["validation"]["accuracy"]["values"]
        return int(np.argmax(values))

    @property
    def score(self) -> Score:
        """Its test accuracy, for a figure."""
        accuracy = self.summary["test"]["accuracy"]
        return Score(
            name=self.name,
            values=accuracy["values"],
            mean=accuracy["mean"],
            interval=accuracy["interval"],
            published=self.published.get("accuracy"),
        )


@dataclass(frozen=True, kw_only=True)
class Margin:
    """How an entry differs from the reference in test accuracy.

    Attributes:
        difference: entry minus reference, both means over seeds.
        interval: 95 %, paired bootstrap over posts.
        p_value: paired permutation, adjusted by Holm for the number of entries.
        mcnemar: of the seeds that are best on validation, one of each, without adjustment.
    """

    difference: float
    interval: Interval
    p_value: float
    mcnemar: McNemar


def margins(entries: Sequence[Entry], reference: Entry) -> dict[Path, Margin]:
    """The margin of every entry but ``reference``, by folder; entries that share one count once.

    Raises:
        UserError: two entries were not evaluated on the same posts.
    """
    others = [*{entry.folder: entry for entry in entries if entry.folder != reference.folder}.values()]
    targets, classes, base = _answers(reference)
    found = []
    for entry in others:
        refuse_unlike(entry.runs, reference.runs)
        _, _, answers = _answers(entry)
        arguments: dict[str, Any] = {"num_classes": classes, "statistic": "accuracy"}
        drawn = paired_bootstrap(targets, answers, base, **arguments)
        permuted = paired_permutation(targets, answers, base, **arguments)
        right = (answers[entry.best_place] == targets, base[reference.best_place] == targets)
        found.append((drawn, permuted, mcnemar(*right)))
    adjusted = holm([permuted for _, permuted, _ in found])
    return {
        entry.folder: Margin(
            difference=drawn.difference, interval=drawn.interval, p_value=p_value, mcnemar=exact
        )
        for entry, (drawn, _, exact), p_value in zip(others, found, adjusted, strict=True)
    }


def contest_table(
    title: str, entries: Sequence[Entry], found: Mapping[Path, Margin], *, note: str = ""
) -> Table:
    """Published values, ours on the full and the clean test set, and the margin, one row per entry."""
    published = any(entry.published for entry in entries)
    shown = [name for name in HEADLINES if name in entries[0].summary["test"]]
    clean = any(entry.summary.get("test_clean") for entry in entries)
    columns = ["", *(["published"] if published else []), *(HEADLINES[name] for name in shown)]
    columns += [
        *(["Accuracy, clean"] if clean else []),
        "difference (95 %)",
        "p (Holm)",
        "p (McNemar)",
        "validation",
    ]
    rows = []
    for entry in entries:
        row = [entry.name, *([show_published(entry.published)] if published else [])]
        row += [show_score(entry.summary["test"][name]) for name in shown]
        row += [show_score((entry.summary.get("test_clean") or {}).get("accuracy"))] if clean else []
        margin = found.get(entry.folder)
        row += show_margin(margin)
        rows.append([*row, show_score(entry.summary["validation"]["accuracy"])])
    return Table(title=title, columns=columns, rows=rows, note=note)


def show_score(score: Json | None) -> str:
    """Mean ± standard deviation over seeds."""
    if not score:
        return "–"
    return f"{score['mean']:.3f}" + ("" if score["sd"] is None else f" ± {score['sd']:.3f}")


def show_published(values: Mapping[str, float]) -> str:
    """Accuracy and F1 as the paper has them; which F1 that is belongs into the table's note."""
    return " / ".join(f"{value:.3f}" for value in values.values()) or "–"


def show_margin(margin: Margin | None) -> list[str]:
    """The difference with its interval, signed, and both p-values; dashes for the reference itself."""
    if margin is None:
        return ["–"] * 3
    low, high = margin.interval
    difference = f"{margin.difference:+.3f} ({low:+.3f} to {high:+.3f})".replace("-", "−")
    return [difference, show_p(margin.p_value), show_p(margin.mcnemar.p_value)]


def show_p(value: float) -> str:
    """A p-value, which is never 0."""
    return "< .001" if value < 0.0005 else f"{value:.3f}"


def about_margins(found: Mapping[Path, Margin]) -> str:
    """How to read the margins of a table; empty where it has none."""
    if not found:
        return ""
    comparisons = "1 comparison" if len(found) == 1 else f"{len(found)} comparisons"
    return (
        f"Differences in test accuracy: paired bootstrap over posts. p: paired permutation, adjusted by Holm for "
        f"{comparisons}; McNemar's is between the seeds that are best on validation, unadjusted."
    )


FLOORS_NOTE = "On the test posts. Controls are logistic regressions that see only what should not matter."


def floors_table(entry: Entry) -> Table:
    """What a model has to pass on the test posts: the majority class, and classifiers that see only what should not
    matter."""
    summary = entry.summary
    shown = [name for name in HEADLINES if name in summary["test"]]
    floors = {"majority class": summary["majority"]} | {
        f"control: {name}": scores
        for name, scores in (summary.get("controls") or {}).items()
        if name != "majority"
    }
    return Table(
        title="Floors",
        columns=["", *(HEADLINES[name] for name in shown)],
        rows=[[name, *(f"{scores[key]:.3f}" for key in shown)] for name, scores in floors.items()],
        note=" ".join(filter(None, (FLOORS_NOTE, absent_classes(entry.runs[0].splits["test"]["metrics"])))),
    )


def _answers(entry: Entry) -> tuple[Any, int, list[Any]]:
    """Targets [N] of the labelled test posts, the number of classes, and the predictions [N] of every seed."""
    tables = [checked_predictions(run) for run in entry.runs]
    targets = tables[0].label_indices()
    labelled = targets >= 0
    return targets[labelled], len(tables[0].classes), [t.prediction_indices()[labelled] for t in tables]
