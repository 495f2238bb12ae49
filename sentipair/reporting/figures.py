"""The figures of a report: pure functions from numbers to matplotlib figures; headings are the page's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from sentipair.evaluation.geometry import BIN_EDGES, Distances
from sentipair.reporting.style import LIGHT, class_colour, class_marker, new_figure, styled

Curve = tuple[Sequence[float], Sequence[float]]
"""Epochs and the values at them."""


@styled
def curves_figure(
    curves: Mapping[str, Curve],
    *,
    best_epoch: int | None = None,
    dashed: Sequence[str] = (),
    share: bool = False,
) -> Figure:
    """Curves over epochs with the chosen epoch marked; ``dashed`` names curves that are drawn dashed.

    With ``share`` the axis runs from 0 to 100 %.
    """
    figure, axes = new_figure(3.8, 2.9)
    for place, (name, (epochs, values)) in enumerate(curves.items()):
        style = "--" if name in dashed else "-"
        dot = "o" if len(epochs) <= 20 else None
        axes.plot(epochs, values, style, color=class_colour(place), marker=dot, markersize=3.5, label=name)
    if best_epoch is not None:
        axes.axvline(best_epoch, color=LIGHT["muted"], linewidth=1, linestyle=":", zorder=1)
        axes.annotate(
            f"epoch {best_epoch}",
            (best_epoch, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, 2),
            textcoords="offset points",
            color=LIGHT["muted"],
            fontsize=8.5,
        )
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
    if share:
        axes.set_ylim(-0.03, 1.03)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    if len(curves) > 1:
        figure.legend(loc="outside lower left", ncols=_columns(curves, figure))
    return figure


@styled
def confusion_figure(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> Figure:
    """Counts [K][K], true classes as rows, shaded by their share of the row (printed up to five classes)."""
    counts = np.asarray(confusion)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    number = len(classes)
    roomy = number <= 5
    side = 1.4 + (0.8 if roomy else 0.5) * number
    figure, axes = new_figure(side + 0.5, side)
    for row in range(number):
        for column in range(number):
            shade = 0.04 + 0.5 * shares[row, column]
            axes.add_patch(
                Rectangle(
                    (column - 0.48, row - 0.48), 0.96, 0.96, facecolor=LIGHT["accent"], alpha=shade, lw=0
                )
            )
            weight = "bold" if row == column else "normal"
            axes.text(
                column, row - 0.1 * roomy, f"{counts[row, column]:,}", ha="center", va="center", weight=weight
            )
            if roomy:
                share = f"{100 * shares[row, column]:.0f} %"
                axes.text(column, row + 0.15, share, ha="center", va="center", fontsize=8)
    axes.set_xlim(-0.5, number - 0.5)
    axes.set_ylim(number - 0.5, -0.5)
    names = [shorten(name) for name in classes]
    axes.set_xticks(range(number), names)
    if number > 3:
        for label in axes.get_xticklabels():
            label.set(rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(number), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_aspect("equal")
    _bare(axes)
    return figure


@styled
def distances_figure(before: Distances | None, after: Distances, *, label: str) -> Figure:
    """Distributions of distances within a class and across classes, after training and, above, before it."""
    stages = {"before training": before, "after training": after} if before else {"after training": after}
    figure = Figure(figsize=(3.8, 1.1 + 1.05 * len(stages)), layout="constrained")
    panels = figure.subplots(len(stages), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, distances) in zip(panels, stages.items(), strict=True):
        for role, group in (("same", distances.same), ("different", distances.different)):
            if group.mean is None:
                continue
            axes.stairs(group.shares, BIN_EDGES, fill=True, color=LIGHT[role], alpha=0.35)
            axes.stairs(group.shares, BIN_EDGES, color=LIGHT[role], linewidth=1.1)
            axes.axvline(group.mean, color=LIGHT[role], linewidth=1.6)
        axes.set_title(name, loc="left", color=LIGHT["muted"], fontsize=8.5)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    panels[-1].set_xlim(0, _reach(distances for distances in stages.values()))
    panels[-1].set_xlabel(label)
    handles = [Line2D([], [], color=LIGHT[role], linewidth=4) for role in ("same", "different")]
    figure.legend(handles, ["same class", "different classes"], loc="outside lower left", ncols=2)
    return figure


@styled
def plane_figure(
    plane: NDArray[np.floating[Any]],
    labels: NDArray[np.integer[Any]],
    predictions: NDArray[np.integer[Any]],
    classes: Sequence[str],
) -> Figure:
    """Points [N, 2] in the colour and shape of their true class; hollow where the prediction is wrong.

    Points without a label (below 0) have the colour of their predicted class.
    """
    figure, axes = new_figure(5.6, 4.4)
    shown = np.where(labels >= 0, labels, predictions)
    wrong = shown != predictions
    handles, names = [], []
    for index, name in enumerate(classes):
        colour, marker = class_colour(index), class_marker(index)
        for chosen, face in (((shown == index) & ~wrong, colour), ((shown == index) & wrong, "none")):
            axes.scatter(
                plane[chosen, 0],
                plane[chosen, 1],
                s=15,
                marker=marker,
                facecolor=face,
                edgecolor=colour,
                linewidth=0.9,
                alpha=0.8,
            )
        handles.append(Line2D([], [], linestyle="", marker=marker, color=colour, markersize=5))
        names.append(shorten(name))
    if wrong.any():
        hollow = Line2D([], [], ls="", marker="o", color=LIGHT["muted"], markersize=5, fillstyle="none")
        handles.append(hollow)
        names.append("predicted wrongly")
    axes.set_xticks([])
    axes.set_yticks([])
    _bare(axes)
    figure.legend(handles, names, loc="outside lower left", ncols=_columns(names, figure))
    return figure


@styled
def seeds_figure(
    values: Mapping[str, Sequence[float]],
    *,
    intervals: Mapping[str, tuple[float, float]],
    floors: Mapping[str, float],
) -> Figure:
    """One row per metric: a dot per seed, the mean with its interval, and the score of the majority class."""
    figure, axes = new_figure(4.8, 0.9 + 0.6 * len(values))
    for row, (name, scores) in enumerate(values.items()):
        axes.plot(scores, [row - 0.13] * len(scores), "o", color=LIGHT["accent"], alpha=0.5, markersize=5)
        mean = float(np.mean(scores))
        if name in intervals:
            axes.plot(intervals[name], [row + 0.17] * 2, color=LIGHT["ink"], linewidth=1.6)
        axes.plot([mean], [row + 0.17], "D", color=LIGHT["ink"], markersize=5)
        if name in floors:
            axes.plot([floors[name]] * 2, [row - 0.3, row + 0.32], color=LIGHT["floor"], linewidth=2)
    axes.set_yticks(range(len(values)), list(values), color=LIGHT["ink"])
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    handles = [
        Line2D([], [], linestyle="", marker="o", color=LIGHT["accent"], alpha=0.5),
        Line2D([], [], marker="D", color=LIGHT["ink"], markersize=5, linewidth=1.6),
        Line2D([], [], color=LIGHT["floor"], linewidth=2),
    ]
    names = ["one seed", "mean and interval", "majority class"]
    shown = 3 if floors else 2
    figure.legend(handles[:shown], names[:shown], loc="outside lower left", ncols=3)
    return figure


def shorten(name: str, limit: int = 18) -> str:
    """``name`` cut to ``limit`` characters, with an ellipsis where something is missing."""
    return name if len(name) <= limit else name[: limit - 1].rstrip() + "…"


def _columns(names: Collection[str], figure: Figure) -> int:
    """Columns of a legend: all names in one row where they fit, else as many as the longest allows."""
    room = figure.get_figwidth() / 0.085  # letters of about this many inches
    needed = [len(name) + 5 for name in names]
    return len(needed) if sum(needed) <= room else max(1, int(room / max(needed)))


def _bare(axes: Axes) -> None:
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _reach(stages: Any) -> float:
    """The end of the last bin in use, over all stages."""
    used = [group.shares for stage in stages for group in (stage.same, stage.different)]
    filled = np.flatnonzero(np.sum(used, axis=0))
    return float(BIN_EDGES[filled[-1] + 1]) if filled.size else 2.0
