"""The figures of a scored table: classes, how sure the model is, and classes over time and by group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from sentipair.inference.summary import BINS, NO_ANSWER
from sentipair.reporting.figures import shorten
from sentipair.reporting.style import LIGHT, class_colour, class_marker, new_figure, styled

Period = Literal["day", "week", "month", "year"]
Counts = Mapping[str, int]
"""Class name → posts."""

LONGEST: Mapping[Period, int] = {"day": 45, "week": 300, "month": 1830}
"""Days up to which a table is drawn in this period; beyond the last, in years."""

WIDTHS: Mapping[Period, float] = {"day": 0.9, "week": 6.3, "month": 27, "year": 330}
"""Of the bars, in days."""


@styled
def classes_figure(counts: Counts) -> Figure:
    """A bar per class with its number and share."""
    figure, axes = new_figure(4.6, 0.7 + 0.42 * len(counts))
    total = max(1, sum(counts.values()))
    for row, (name, count) in enumerate(counts.items()):
        axes.barh(row, count, height=0.66, color=_colour(name, list(counts)))
        axes.annotate(
            f"{count:,}  ({count / total:.0%})",
            (count, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=LIGHT["ink"],
        )
    axes.set_yticks(range(len(counts)), [shorten(name) for name in counts], color=LIGHT["ink"])
    axes.set_ylim(len(counts) - 0.4, -0.6)
    axes.set_xlim(0, 1.35 * max(1, *counts.values()))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    axes.grid(axis="y", visible=False)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("posts")
    return figure


@styled
def confidence_figure(shares: Mapping[int, int]) -> Figure:
    """How many posts the model is how sure of."""
    figure, axes = new_figure(3.8, 2.4)
    heights = [shares.get(place, 0) for place in range(BINS)]
    edges = [place / BINS for place in range(BINS)]
    axes.bar(edges, heights, width=0.92 / BINS, align="edge", color=LIGHT["accent"])
    first = next((place for place, height in enumerate(heights) if height), 0)
    axes.set_xlim(first / BINS, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.set_xlabel("confidence")
    axes.set_ylabel("posts")
    return figure


@styled
def number_figure(periods: Mapping[date, Counts], classes: Sequence[str], *, period: Period) -> Figure:
    """Posts of every class over time, one on top of the other."""
    figure, axes = new_figure(6.4, 2.7)
    below = [0] * len(periods)
    for name in classes:
        heights = [counts.get(name, 0) for counts in periods.values()]
        colour = _colour(name, classes)
        axes.bar(
            _numbers(periods), heights, WIDTHS[period], bottom=below, align="edge", color=colour, label=name
        )
        below = [low + height for low, height in zip(below, heights, strict=True)]
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.set_ylabel(f"posts per {period}")
    _dates(figure)
    return figure


@styled
def share_figure(periods: Mapping[date, Counts], classes: Sequence[str]) -> Figure:
    """The share of every class over time; nothing where there are no posts."""
    figure, axes = new_figure(6.4, 2.7)
    for place, name in enumerate(classes):
        totals = [sum(counts.values()) for counts in periods.values()]
        shares = [
            counts.get(name, 0) / total if total else float("nan")
            for counts, total in zip(periods.values(), totals, strict=True)
        ]
        marker, colour = class_marker(place), _colour(name, classes)
        axes.plot(_numbers(periods), shares, color=colour, marker=marker, markersize=3.5, label=name)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylabel("share of posts")
    _dates(figure)
    return figure


@styled
def groups_figure(groups: Mapping[str, Counts], classes: Sequence[str]) -> Figure:
    """The share of every class in every group, with the number of its posts."""
    figure, axes = new_figure(6.4, 1.0 + 0.34 * len(groups))
    for row, counts in enumerate(groups.values()):
        total, left = sum(counts.values()), 0.0
        for name in classes:
            width = counts.get(name, 0) / total
            axes.barh(
                row,
                width,
                height=0.7,
                left=left,
                color=_colour(name, classes),
                label=name if not row else None,
            )
            left += width
    names = [f"{shorten(name, 28)}  ({sum(counts.values()):,})" for name, counts in groups.items()]
    axes.set_yticks(range(len(groups)), names, color=LIGHT["ink"])
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(axis="y", visible=False)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    figure.legend(loc="outside lower left", ncols=len(classes))
    return figure


def by_period(days: Mapping[tuple[date, str], int]) -> tuple[Period, dict[date, Counter[str]]]:
    """Counts per day and class as counts per period, empty ones included; the period suits the time between them."""
    first, last = min(day for day, _ in days), max(day for day, _ in days)
    span = (last - first).days
    period: Period = next((name for name, most in LONGEST.items() if span <= most), "year")
    starts: dict[date, Counter[str]] = {}
    start = _start(first, period)
    while start <= last:
        starts[start] = Counter()
        start = _start(
            start + timedelta(days={"day": 1, "week": 7, "month": 31, "year": 366}[period]), period
        )
    for (day, name), count in days.items():
        starts[_start(day, period)][name] += count
    return period, starts


def _start(day: date, period: Period) -> date:
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "day":
        return day
    return day.replace(day=1) if period == "month" else day.replace(month=1, day=1)


def _numbers(days: Iterable[date]) -> list[int]:
    """Days as matplotlib counts them."""
    return [(day - date(1970, 1, 1)).days for day in days]


def _colour(name: str, classes: Sequence[str]) -> str:
    return LIGHT["muted"] if name == NO_ANSWER else class_colour(list(classes).index(name))


def _dates(figure: Figure) -> None:
    axes = figure.axes[0]
    locator = AutoDateLocator(minticks=2, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    figure.legend(loc="outside lower left", ncols=4)
