"""Figures that set several configurations side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sentipair.reporting.style import LIGHT, class_colour, class_marker, new_figure, styled


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A mean over seeds with the single seeds, its interval over posts, and what was published for it."""

    name: str
    values: Sequence[float]
    mean: float
    interval: tuple[float, float]
    published: float | None = None


@styled
def forest_figure(scores: Sequence[Score], *, floor: float, label: str) -> Figure:
    """One row per configuration: seeds, mean and interval, the published value, the majority class as a line.

    The mean of the first row is drawn through all others.
    """
    figure, axes = new_figure(7.2, 1.1 + 0.36 * len(scores))
    axes.axvline(scores[0].mean, color=LIGHT["accent"], linewidth=1, linestyle=":")
    axes.axvline(floor, color=LIGHT["floor"], linewidth=1.6)
    for row, score in enumerate(scores):
        axes.plot(
            score.values,
            [row - 0.17] * len(score.values),
            "o",
            color=LIGHT["accent"],
            alpha=0.45,
            markersize=4,
        )
        axes.plot(score.interval, [row + 0.12] * 2, color=LIGHT["ink"], linewidth=1.5)
        axes.plot([score.mean], [row + 0.12], "D", color=LIGHT["ink"], markersize=4.5)
        if score.published is not None:
            axes.plot([score.published], [row], "*", color=LIGHT["class-1"], markersize=8)
    axes.set_yticks(range(len(scores)), [score.name for score in scores], color=LIGHT["ink"])
    axes.set_ylim(len(scores) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(label)
    legend = {
        "one seed": Line2D([], [], linestyle="", marker="o", color=LIGHT["accent"], alpha=0.5),
        "mean, 95 % interval": Line2D([], [], marker="D", color=LIGHT["ink"], markersize=4.5),
        "majority class": Line2D([], [], color=LIGHT["floor"], linewidth=2),
    }
    if any(score.published is not None for score in scores):
        legend["published"] = Line2D([], [], linestyle="", marker="*", color=LIGHT["class-1"], markersize=8)
    figure.legend(list(legend.values()), list(legend), loc="outside lower left", ncols=len(legend))
    return figure


@styled
def values_figure(
    values: Sequence[float],
    curves: Mapping[str, Sequence[tuple[float, float | None]]],
    *,
    label: str,
    of: str,
) -> Figure:
    """Means and, where there are several of each, standard deviations: one curve per metric over a setting's values.

    Args:
        values: of the setting.
        curves: name → a mean and a deviation per value.
        label: of the setting.
        of: what the means are of.
    """
    figure, axes = new_figure(5.2, 3.3)
    for place, (name, points) in enumerate(curves.items()):
        means, deviations = zip(*points, strict=True)
        axes.errorbar(
            values,
            means,
            None if None in deviations else deviations,
            color=class_colour(place),
            marker=class_marker(place),
            markersize=4.5,
            capsize=2.5,
            linewidth=1.5,
            elinewidth=1,
            label=name,
        )
    axes.set_xlabel(label)
    axes.set_ylabel(of)
    figure.legend(loc="outside lower left", ncols=len(curves))
    return figure
