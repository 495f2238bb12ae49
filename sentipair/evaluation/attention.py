"""What a model attended to in a few posts: the weights of words, cells and regions, with their places in the post."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentipair.features import FeatureTable
from sentipair.features.specs import Places
from sentipair.files import write_json
from sentipair.models import PairModel, PairOutput

PLACED = ("words", "cells", "regions")
"""Names under which a model gives weights [B, N] of positions that have a place in the post."""

FEW = 8
"""Other weights are kept where a post has no more than these, or than regions: those of modalities, gates."""

WRONG = 4
"""Posts with a wrong prediction that are looked at, the most confident; of the right ones the surest of each class."""


def record_attention(
    path: Path, model: PairModel, table: FeatureTable, *, probabilities: NDArray[np.float32]
) -> None:
    """Write the weights for a few posts of ``table`` to ``path``; nothing for a model that attends to no place.

    Args:
        path: of the file, JSON.
        model: the trained model.
        table: the pairs of the split.
        probabilities: [n, K], what the model says of them.
    """
    indices = telling_posts(table.labels.numpy(), probabilities)
    if indices and (posts := attended(model, table, indices)):
        write_json(path, {"posts": posts})


def telling_posts(targets: NDArray[np.int64], probabilities: NDArray[np.float32]) -> list[int]:
    """The most confident errors, then the surest right prediction of each class, among posts with a label [n]."""
    predictions = probabilities.argmax(axis=1)
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    labelled = order[targets[order] >= 0]
    right = predictions[labelled] == targets[labelled]
    _, first = np.unique(predictions[labelled][right], return_index=True)
    return [*labelled[~right][:WRONG].tolist(), *labelled[right][np.sort(first)].tolist()]


@torch.inference_mode()
def attended(model: PairModel, table: FeatureTable, indices: Sequence[int]) -> list[dict[str, Any]]:
    """One entry per post: ``id``; ``words``, ``cells`` or ``regions`` as rows of place and weight; other ``weights``.

    Empty for a model that attends to no place.
    """
    training = model.training
    weights = weights_of(model.eval()(table.batch(indices)))
    model.train(training)
    if not weights.keys() & set(PLACED):
        return []
    return [
        {
            "id": table.pairs[index].id,
            **weights_in_post(table.locate(index), {name: value[row] for name, value in weights.items()}),
        }
        for row, index in enumerate(indices)
    ]


def weights_of(output: PairOutput) -> dict[str, Tensor]:
    """The weights [B, N] that can be shown: of places, and others that are few; the rest is left out."""
    weights = {name: value for name, value in (output.attention or {}).items() if value.ndim == 2}
    few = max(FEW, weights["regions"].shape[1] if "regions" in weights else 0)
    return {name: value for name, value in weights.items() if name in PLACED or value.shape[1] <= few}


def weights_in_post(places: Places, weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Weights [N] by name: those of ``PLACED`` as rows of place and weight, the others under ``weights``."""
    placed = {
        name: [
            [*place, weight]
            for place, weight in zip(places.get(name, ()), weights[name].tolist(), strict=False)
        ]
        for name in PLACED
        if name in weights
    }
    others = {name: value.tolist() for name, value in weights.items() if name not in PLACED}
    return {**placed, "weights": others}
