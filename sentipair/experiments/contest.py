"""Finished configurations side by side: the same posts, the same seeds, paired tests against one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentipair.evaluation.bootstrap import Interval
from sentipair.evaluation.comparison import holm, paired_bootstrap, paired_permutation
from sentipair.experiments.run import finished_runs
from sentipair.experiments.unlike import checked_predictions, refuse_unlike
from sentipair.reporting.comparison import Score
from sentipair.reporting.run import Json, SeedRun
from sentipair.reporting.sections import HEADLINES
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
        """The finished seeds."""
        return finished_runs(self.folder)

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
    """

    difference: float
    interval: Interval
    p_value: float


def margins(entries: Sequence[Entry], reference: Entry) -> dict[str, Margin]:
    """The margin of every entry but ``reference``, by name.

    Raises:
        UserError: two entries were not evaluated on the same posts.
    """
    others = [entry for entry in entries if entry.folder != reference.folder]
    targets, classes, base = _answers(reference)
    found = []
    for entry in others:
        refuse_unlike(entry.runs, reference.runs)
        _, _, answers = _answers(entry)
        arguments: dict[str, Any] = {"num_classes": classes, "statistic": "accuracy"}
        drawn = paired_bootstrap(targets, answers, base, **arguments)
        found.append((drawn, paired_permutation(targets, answers, base, **arguments)))
    adjusted = holm([p_value for _, p_value in found])
    return {
        entry.name: Margin(difference=drawn.difference, interval=drawn.interval, p_value=p_value)
        for entry, (drawn, _), p_value in zip(others, found, adjusted, strict=True)
    }


def contest_table(
    title: str, entries: Sequence[Entry], margins_by_name: Mapping[str, Margin], *, note: str = ""
) -> Table:
    """Published values, ours on the full and the clean test set, and the margin, one row per entry."""
    published = any(entry.published for entry in entries)
    shown = [name for name in HEADLINES if name in entries[0].summary["test"]]
    clean = any(entry.summary.get("test_clean") for entry in entries)
    columns = ["", *(["published"] if published else []), *(HEADLINES[name] for name in shown)]
    columns += [*(["Accuracy, clean"] if clean else []), "difference (95 %)", "p (Holm)", "validation"]
    rows = []
    for entry in entries:
        row = [entry.name, *([show_published(entry.published)] if published else [])]
        row += [show_score(entry.summary["test"][name]) for name in shown]
        row += [show_score((entry.summary.get("test_clean") or {}).get("accuracy"))] if clean else []
        margin = margins_by_name.get(entry.name)
        row += ["–", "–"] if margin is None else [show_margin(margin), f"{margin.p_value:.3f}"]
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


def show_margin(margin: Margin) -> str:
    """The difference with its interval, signed."""
    low, high = margin.interval
    return f"{margin.difference:+.3f} ({low:+.3f} to {high:+.3f})".replace("-", "−")


def _answers(entry: Entry) -> tuple[Any, int, list[Any]]:
    """Targets [N] of the labelled test posts, the number of classes, and the predictions [N] of every seed."""
    tables = [checked_predictions(run) for run in entry.runs]
    targets = tables[0].label_indices()
    labelled = targets >= 0
    return targets[labelled], len(tables[0].classes), [t.prediction_indices()[labelled] for t in tables]
