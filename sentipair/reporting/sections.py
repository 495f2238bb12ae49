"""The parts of a report page, each computed from run folders into what the template prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sentipair.evaluation.geometry import Distances, embedding_distances, project_to_plane, subsample
from sentipair.reporting.examples import Example, most_confident_by_class, most_confident_errors, show
from sentipair.reporting.figures import Curve, confusion_figure, curves_figure, distances_figure, plane_figure
from sentipair.reporting.page import Drawing
from sentipair.reporting.run import Json, Predictions, SeedRun
from sentipair.reporting.style import to_svg

HEADLINES: Mapping[str, str] = {
    "accuracy": "Accuracy",
    "weighted_f1": "Weighted F1",
    "macro_f1": "Macro F1",
    "binary_f1": "Binary F1",
}
DISTANCES: Mapping[str, tuple[str, str]] = {
    "IID": ("Picture to picture", "image–image distance (IID), 1 − cosine"),
    "TTD": ("Text to text", "text–text distance (TTD), 1 − cosine"),
    "ITD": ("Picture to text", "image–text distance (ITD), 1 − cosine"),
}
PLANE_LIMIT = 1_500
"""Points in the t-SNE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One of the large numbers: its value, what it may vary between, and the majority floor."""

    name: str
    value: float
    interval: tuple[float, float] | None
    floor: float | None
    spread: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Examples under one heading."""

    title: str
    lead: str
    examples: tuple[Example, ...]


def headlines(split: Json) -> list[Headline]:
    """The headline numbers of one split of ``result.json``."""
    metrics, intervals = split.get("metrics", {}), split.get("intervals") or {}
    return [
        Headline(
            name=name,
            value=metrics[key],
            interval=intervals.get(key),
            floor=metrics.get(f"majority_{key}"),
        )
        for key, name in HEADLINES.items()
        if metrics.get(key) is not None
    ]


def absent_classes(metrics: Json) -> str:
    """A sentence on the classes of which the scored posts have none; empty where all are there."""
    names = [row["name"] for row in metrics["per_class"] if row["support"] == 0]
    return f"No post is {' or '.join(names)}; that counts as 0 in macro F1." if names else ""


def split_table(splits: Mapping[str, Json]) -> list[Json]:
    """One row per split, and one for its clean rows; ``key`` is the name in the summary."""
    rows: list[Json] = []
    for name, split in splits.items():
        clean = split.get("clean") or {}
        for key, title, part in ((name, name, split), (f"{name}_clean", f"{name}, clean", clean)):
            if metrics := part.get("metrics"):
                count = sum(row["support"] for row in metrics["per_class"])
                interval = (part.get("intervals") or {}).get("accuracy")
                rows.append({**metrics, "key": key, "title": title, "count": count, "interval": interval})
    return rows


def confusion(metrics: Json, *, where: str) -> Drawing:
    """The confusion matrix of ``metrics``; ``where`` says which posts were counted."""
    names = [row["name"] for row in metrics["per_class"]]
    figure = confusion_figure(metrics["confusion"], names)
    svg = to_svg(figure, name="confusion", label="Confusion matrix: rows are true classes")
    caption = f"Posts of {where}. The deeper the shade, the larger the share of the true class."
    return Drawing(title="Confusion", svg=svg, caption=caption)


def curves(run: SeedRun) -> list[Drawing]:
    """Losses, validation scores and, for two-step objectives, the share of second steps."""
    best = run.result.get("best_epoch")
    training, validation = _curves(run, "train"), _curves(run, "validation")
    steps = {"second step": training.pop("step2")} if "step2" in training else {}
    if "loss" in validation:
        training["validation loss"] = validation["loss"]
    scores = {name: validation[key] for key, name in HEADLINES.items() if key in validation}
    losses = {name.replace("_", " "): curve for name, curve in training.items()}
    drawings = []
    if losses:
        figure = curves_figure(losses, best_epoch=best, dashed=("validation loss",))
        drawings.append(("Losses", figure, "Parts of the training objective; dashed: loss on validation."))
    if scores:
        drawings.append(("Validation scores", curves_figure(scores, best_epoch=best), _chosen(best)))
    if steps:
        figure = curves_figure(steps, best_epoch=best, share=True)
        drawings.append(("Second steps", figure, "Share of batches in which the second update fired."))
    return [
        Drawing(title=title, svg=to_svg(figure, name=f"curve-{i}", label=title), caption=caption)
        for i, (title, figure, caption) in enumerate(drawings)
    ]


def geometry(run: SeedRun, predictions: Predictions) -> list[Drawing]:
    """Distances in the shared space, before training where that is known, and after it."""
    before, after = (_distances(run, predictions, stage) for stage in ("embeddings-initial", "embeddings"))
    drawings = []
    for key, distances in after.items():
        if distances.same.count + distances.different.count == 0:
            continue
        title, label = DISTANCES[key]
        figure = distances_figure(before.get(key), distances, label=label)
        means = [_means("after", distances)]
        if key in before:
            means.insert(0, _means("before", before[key]))
        svg = to_svg(figure, name=f"distance-{key}", label=f"{title}: {'; '.join(means)}")
        drawings.append(Drawing(title=title, svg=svg, caption=f"Means {'; '.join(means)}."))
    return drawings


def plane(run: SeedRun, predictions: Predictions) -> Drawing | None:
    """t-SNE of the fused features, at most ``PLANE_LIMIT`` posts."""
    fused = run.embeddings("embeddings").get("fused")
    if fused is None:
        return None
    rows = np.flatnonzero(np.isfinite(fused).all(axis=1))
    rows = rows[subsample(len(rows), limit=PLANE_LIMIT)]
    points = project_to_plane(fused[rows])
    if points is None:
        return None
    labels, predicted = predictions.label_indices()[rows], predictions.prediction_indices()[rows]
    figure = plane_figure(points, labels, predicted, predictions.classes)
    caption = f"t-SNE of {len(rows):,} posts. Only neighbourhood means something here, not distance or size."
    svg = to_svg(figure, name="plane", label="t-SNE of the fused features by class")
    return Drawing(title="Fused features", svg=svg, caption=caption)


def galleries(predictions: Predictions) -> list[Gallery]:
    """Confident errors first, then posts that went well; without labels, the surest posts of each class."""
    classes = predictions.classes
    labelled = [row for row in predictions.rows if row.label is not None]
    if not labelled:
        chosen = most_confident_by_class(predictions.rows, classes, limit=12)
        return [_gallery("Surest predictions", "Nobody labelled these posts.", chosen, classes)]
    errors = most_confident_errors(predictions, limit=12)
    right = most_confident_by_class((row for row in labelled if not row.is_wrong), classes, limit=6)
    count = sum(row.is_wrong for row in labelled)
    lead = f"{count:,} of {len(labelled):,} posts; the most confident errors first."
    return [
        gallery
        for gallery in (
            _gallery("Predicted wrongly", lead, errors, classes),
            _gallery("Predicted rightly", "The surest of each class in turn.", right, classes),
        )
        if gallery.examples
    ]


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested ``values`` as one level of dotted names and printable values."""
    flat = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{key}."))
        elif isinstance(value, float):
            flat[f"{prefix}{key}"] = f"{value:,.1f}"
        else:
            flat[f"{prefix}{key}"] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return flat


def describe(value: Any) -> str:
    """A part of the configuration in a few words: its name or source, else its plain values."""
    if not isinstance(value, Mapping):
        return "" if value is None else str(value)
    if "source" in value:
        return Path(str(value["source"])).name
    if "name" in value:
        return str(value["name"])
    return " + ".join(str(part) for key, part in value.items() if isinstance(part, str) and key != "engine")


def _curves(run: SeedRun, part: str) -> dict[str, Curve]:
    found: dict[str, tuple[list[float], list[float]]] = {}
    for epoch in run.history:
        for name, value in epoch.get(part, {}).items():
            if isinstance(value, int | float):
                epochs, values = found.setdefault(name, ([], []))
                epochs.append(epoch["epoch"])
                values.append(value)
    return dict(found)


def _chosen(best: int | None) -> str:
    return "" if best is None else f"Epoch {best} was chosen, on validation."


def _distances(run: SeedRun, predictions: Predictions, stage: str) -> Mapping[str, Distances]:
    tensors = run.embeddings(stage)
    return embedding_distances(
        labels=predictions.label_indices(), image=tensors.get("image"), text=tensors.get("text")
    )


def _means(stage: str, distances: Distances) -> str:
    parts = (("within", distances.same.mean), ("across", distances.different.mean))
    return f"{stage}: " + ", ".join(f"{mean:.2f} {name} classes" for name, mean in parts if mean is not None)


def _gallery(title: str, lead: str, rows: Sequence[Any], classes: Sequence[str]) -> Gallery:
    return Gallery(title=title, lead=lead, examples=tuple(show(row, classes) for row in rows))
