"""The shared embedding space: how far pictures and texts lie from each other, within and across classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE

Floats = NDArray[np.float32]

DISTANCE_LIMIT = 2_000
"""Rows that take part in the distances; 2,000 × 2,000 single-precision numbers are 16 MB."""

BIN_EDGES = np.linspace(0.0, 2.0, 81)
"""Edges of the histograms: 1 − cosine in steps of 0.025, always the same so that runs compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Distances of one kind of pair.

    Attributes:
        mean: their mean, None where there is no such pair.
        count: how many pairs.
        shares: [80] share of the pairs in each bin of ``BIN_EDGES``; all 0 where there is no such pair.
    """

    mean: float | None
    count: int
    shares: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """Histograms of the pairs of one class and of those of two different classes."""

    same: Histogram
    different: Histogram


def embedding_distances(
    *,
    labels: NDArray[np.integer[Any]],
    image: NDArray[np.floating[Any]] | None = None,
    text: NDArray[np.floating[Any]] | None = None,
    limit: int = DISTANCE_LIMIT,
    seed: int = 0,
) -> Mapping[str, Distances]:
    """Image–image, text–text and image–text distances (IID, TTD, ITD), each 1 − cosine, in [0, 2].

    After SPP-SCL (Wu & Li, AAAI 2026), Figure 4.

    IID and TTD go over unordered pairs of two different posts. ITD goes over every picture with every text,
    in which a post's own picture and text count as a pair of one class, as they do among the positives of
    the cross-modal loss. A zero vector has cosine 0 with everything. Rows without a label (below 0) or with
    a value that is not finite are left out; of more than ``limit`` rows a seeded sample is taken.

    Args:
        labels: [N] class indices.
        image: [N, D] embeddings, or None for a text-only model.
        text: [N, D] embeddings, or None for an image-only model.
    """
    present = [values for values in (image, text) if values is not None]
    usable = np.asarray(labels) >= 0
    for values in present:
        usable &= np.isfinite(values).all(axis=1)
    rows = np.flatnonzero(usable)
    rows = rows[subsample(len(rows), limit=limit, seed=seed)]
    classes = np.asarray(labels)[rows]
    same = classes[:, None] == classes
    posts = np.triu(np.ones_like(same), k=1)
    everything = np.ones_like(same)
    found = {}
    if image is not None:
        found["IID"] = _distances(image[rows], image[rows], same=same, among=posts)
    if text is not None:
        found["TTD"] = _distances(text[rows], text[rows], same=same, among=posts)
    if image is not None and text is not None:
        found["ITD"] = _distances(image[rows], text[rows], same=same, among=everything)
    return found


def project_to_plane(features: NDArray[np.floating[Any]], *, seed: int = 0) -> Floats | None:
    """t-SNE [N, 2] of ``features`` [N, F], reproducible; None for fewer than five distinct rows.

    Rows must be finite. Takes about a second for 450 rows; take a ``subsample`` of larger sets.
    """
    features = np.asarray(features, dtype=np.float32)
    if len(np.unique(features, axis=0)) < 5:
        return None
    perplexity = min(30.0, (len(features) - 1) / 3)
    plane: Floats = TSNE(perplexity=perplexity, init="random", random_state=seed).fit_transform(features)
    return plane


def subsample(count: int, *, limit: int, seed: int = 0) -> NDArray[np.int64]:
    """Ascending indices into ``count`` rows: all of them, or a seeded choice of ``limit``."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, size=limit, replace=False))


def _distances(
    left: NDArray[np.floating[Any]],
    right: NDArray[np.floating[Any]],
    *,
    same: NDArray[np.bool_],
    among: NDArray[np.bool_],
) -> Distances:
    # left, right (N, D); same, among (N, N)
    distance = np.clip(1 - _unit(left) @ _unit(right).T, 0, 2)
    return Distances(same=_histogram(distance[among & same]), different=_histogram(distance[among & ~same]))


def _unit(values: NDArray[np.floating[Any]]) -> Floats:
    values = values.astype(np.float32)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    unit: Floats = np.divide(values, length, out=np.zeros_like(values), where=length > 0)
    return unit


def _histogram(distances: Floats) -> Histogram:
    counts, _ = np.histogram(distances, bins=BIN_EDGES)
    mean = float(distances.mean(dtype=np.float64)) if distances.size else None
    return Histogram(mean=mean, count=distances.size, shares=counts / max(1, distances.size))
