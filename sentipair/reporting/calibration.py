"""How a report shows calibration: reliability before and after the temperature, and risk against coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from sentipair.reporting.page import Drawing
from sentipair.reporting.run import Json
from sentipair.reporting.style import LIGHT, new_figure, styled, to_svg

FEW = 10
"""Bins of fewer posts are drawn faint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The two drawings and the scores, one row per stage."""

    reliability: Drawing
    risk: Drawing
    rows: tuple[Json, ...]


def calibration(split: Json, *, where: str) -> Calibration | None:
    """The calibration of one split of ``result.json``; None where it was not recorded."""
    found = split.get("calibration")
    return _draw(found, where=where) if found else None


def mean_calibration(splits: Sequence[Json]) -> Calibration | None:
    """The calibration of several seeds on the same posts: bins pooled, curves and scores averaged."""
    found = [calibrated for split in splits if (calibrated := split.get("calibration"))]
    if not found:
        return None
    mean = {
        "temperature": float(np.mean([one["temperature"] for one in found])),
        "aurc": float(np.mean([one["aurc"] for one in found])),
        "risk_coverage": np.mean([one["risk_coverage"] for one in found], axis=0).tolist(),
        **{
            stage: _pooled_bins([one[stage] for one in found])
            for stage in ("reliability", "reliability_after")
        },
        **{
            stage: {name: float(np.mean([one[stage][name] for one in found])) for name in found[0][stage]}
            for stage in ("before", "after")
        },
    }
    return _draw(mean, where=f"test, {len(found)} seeds together")


def _pooled_bins(seeds: Sequence[Sequence[Json]]) -> list[Json]:
    pooled: list[Json] = []
    for same in zip(*seeds, strict=True):
        count = sum(row["count"] for row in same)
        means = {
            name: sum(row["count"] * row[name] for row in same if row["count"]) / count if count else None
            for name in ("accuracy", "confidence")
        }
        pooled.append({"count": count, **means})
    return pooled


def _draw(found: Json, *, where: str) -> Calibration:
    before, after = "as trained", f"temperature {found['temperature']:.2f}"
    reliability = reliability_figure({before: found["reliability"], after: found["reliability_after"]})
    risk = risk_figure(found["risk_coverage"])
    return Calibration(
        reliability=Drawing(
            title="Confidence and accuracy",
            svg=to_svg(reliability, name="reliability", label="Reliability diagram"),
            caption=f"Posts of {where} in 15 bins of confidence: on the diagonal, a model that is 80 % sure is right "
            f"in 80 % of the cases. Faint: fewer than {FEW} posts. The temperature was fitted on validation and "
            "changes no prediction.",
        ),
        risk=Drawing(
            title="Risk and coverage",
            svg=to_svg(risk, name="risk", label="Error among the most confident posts"),
            caption="Share of errors when only the most confident posts are answered. "
            f"Area under the curve (AURC): {found['aurc']:.3f}.",
        ),
        rows=({"title": before, **found["before"]}, {"title": after, **found["after"]}),
    )


@styled
def reliability_figure(stages: dict[str, Sequence[Json]]) -> Figure:
    """Reliability diagrams side by side: accuracy per bin, its gap to the mean confidence, and counts beneath.

    Args:
        stages: title → the bins of ``sentipair.evaluation.calibration.reliability_bins``.
    """
    figure = Figure(figsize=(0.5 + 2.05 * len(stages), 3.3), layout="constrained")
    upper, lower = figure.subplots(
        2, len(stages), sharex=True, sharey="row", squeeze=False, height_ratios=(4, 1)
    )
    for diagram, counts, (title, bins) in zip(upper, lower, stages.items(), strict=True):
        _diagram(diagram, bins)
        diagram.set_title(title, loc="left", color=LIGHT["muted"], fontsize=8.5)
        edges = np.linspace(0, 1, len(bins) + 1)
        counts.bar(
            edges[:-1], [row["count"] for row in bins], np.diff(edges), align="edge", color=LIGHT["muted"]
        )
        counts.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=2))
        counts.set_xlabel("confidence")
        counts.set_xlim(0, 1)
    upper[0].set_ylabel("accuracy")
    lower[0].set_ylabel("posts")
    handles = [
        Patch(facecolor=LIGHT["accent"], alpha=0.45),
        Patch(facecolor="none", edgecolor=LIGHT["floor"]),
        Line2D([], [], color=LIGHT["muted"], linewidth=1, linestyle="--"),
    ]
    names = ["accuracy", "gap to the confidence", "calibrated"]
    figure.legend(handles, names, loc="outside lower left", ncols=3)
    return figure


@styled
def risk_figure(points: Sequence[Sequence[float]]) -> Figure:
    """Error [coverage, risk] of the most confident posts, beside that of posts chosen at random."""
    figure, axes = new_figure(4.6, 2.3)
    coverage, risk = np.asarray(points).T
    axes.plot([0, 1], [risk[-1]] * 2, "--", color=LIGHT["muted"], linewidth=1, label="chosen at random")
    axes.plot(coverage, risk, color=LIGHT["accent"], label="most confident posts")
    axes.fill_between(coverage, risk, risk[-1], color=LIGHT["accent"], alpha=0.15, linewidth=0)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, max(0.05, 1.05 * float(risk.max())))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("posts answered")
    axes.set_ylabel("errors among them")
    figure.legend(loc="outside lower left", ncols=2)
    return figure


def _diagram(axes: Axes, bins: Sequence[Json]) -> None:
    axes.plot([0, 1], [0, 1], "--", color=LIGHT["muted"], linewidth=1)
    width = 1 / len(bins)
    for place, row in enumerate(bins):
        if not row["count"]:
            continue
        left, alpha = place * width, 0.45 if row["count"] >= FEW else 0.15
        axes.bar(left, row["accuracy"], width, align="edge", color=LIGHT["accent"], alpha=alpha, linewidth=0)
        low, high = sorted((row["accuracy"], row["confidence"]))
        axes.bar(
            left + 0.1 * width,
            high - low,
            0.8 * width,
            bottom=low,
            align="edge",
            facecolor="none",
            edgecolor=LIGHT["floor"],
            linewidth=1.2,
            alpha=2 * alpha,
        )
    axes.set_ylim(0, 1)
