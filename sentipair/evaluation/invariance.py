"""Do predictions depend on anything but the pair itself? The share that changes with batch size, order and padding."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from sentipair.evaluation.predict import BATCH_SIZE, predict
from sentipair.features import FeatureTable, PairBatch
from sentipair.models import PairModel
from sentipair.progress import track

LARGE = 256
"""Pairs in the largest batch that is tried; more would only cost memory."""

PADDING = 50
"""Positions added behind every text."""


def flip_rates(model: PairModel, table: FeatureTable, *, seed: int = 0) -> dict[str, float]:
    """Share of predicted classes that differ from those at batch size 64 in the order of the table.

    The conditions: one by one, 256 at once, shuffled, and every text padded by 50 more positions. All are 0 for a model
    whose predictions belong to the pair.
    """
    count = len(table)
    order = np.random.default_rng(seed).permutation(count).tolist()
    usual = predict(model, table).logits.argmax(-1)
    conditions = {
        "batch size 1": partial(predict, model, table, batch_size=1),
        f"batch size {LARGE}": partial(predict, model, table, batch_size=LARGE),
        "shuffled": partial(predict, model, table, order=order),
        f"padding +{PADDING}": partial(predict, model, table, batch_size=BATCH_SIZE, change=_pad),
    }
    return {
        name: _share_changed(usual, run().logits.argmax(-1))
        for name, run in track(conditions.items(), "checking invariance", total=len(conditions))
    }


def _pad(batch: PairBatch) -> PairBatch:
    return batch.padded(PADDING)


def _share_changed(before: torch.Tensor, after: torch.Tensor) -> float:
    return float((before != after).float().mean())
