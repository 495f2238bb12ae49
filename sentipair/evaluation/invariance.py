"""Do predictions depend on anything but the pair itself? What changes with batch size, order and padding."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sentipair.evaluation.predict import BATCH_SIZE, predict
from sentipair.features import FeatureTable, PairBatch
from sentipair.models import PairModel
from sentipair.progress import track

LARGEST = 256 << 20
"""Bytes that the largest batch that is tried may take; features of 450 posts by the offline encoders are 210 MB."""

SHUFFLES = 3
"""Random orders that are tried."""

PADDING = 50
"""Positions added behind every text."""

Answers = NDArray[np.int64]


def answers_by_condition(model: PairModel, table: FeatureTable) -> dict[str, list[Answers]]:
    """Predicted classes [n] of the n pairs under every condition, in the order of the table.

    The conditions: one by one, 16 at once, all at once (or as many as ``LARGEST`` holds); in batches of 64 sorted by
    label, shuffled (three times, the only condition with more than one entry), and with every text padded by 50 more
    positions.
    """
    count = len(table)
    by_label = np.argsort(table.labels.numpy(), kind="stable").tolist()
    largest = largest_batch(model, table)
    shuffled = [np.random.default_rng(seed).permutation(count).tolist() for seed in range(SHUFFLES)]
    conditions = {
        "batch size 1": [partial(predict, batch_size=1)],
        "batch size 16": [partial(predict, batch_size=16)],
        f"batch size {largest}": [partial(predict, batch_size=largest)],
        "label-sorted": [partial(predict, order=by_label)],
        "shuffled": [partial(predict, order=order) for order in shuffled],
        f"padding +{PADDING}": [partial(predict, change=_pad)],
    }
    return {
        name: [run(model, table).logits.argmax(-1).numpy() for run in runs]
        for name, runs in track(conditions.items(), "checking invariance", total=len(conditions))
    }


def largest_batch(model: PairModel, table: FeatureTable) -> int:
    """How many pairs of ``table`` are tried at once: all, unless that would take more than ``LARGEST``."""
    sample = table.batch(range(min(BATCH_SIZE, len(table))))
    per_pair = model.expansion * sum(value.nbytes for value in sample.features.values()) / len(sample)
    return min(len(table), max(BATCH_SIZE, int(LARGEST / max(per_pair, 1))))


def flip_rates(usual: Answers, by_condition: Mapping[str, list[Answers]]) -> dict[str, float]:
    """Share of predictions that differ from ``usual`` [n], those at batch size 64 in the order of the table.

    Of the shuffles the largest share. All are 0 for a model whose predictions belong to the pair.
    """
    return {
        name: max(float((usual != answers).mean()) for answers in found)
        for name, found in by_condition.items()
    }


def batch_warning(flips: Mapping[str, float]) -> str | None:
    """One line for a model whose predictions depend on their neighbours, None for a sound one."""
    share = max(flips.values(), default=0.0)
    if share == 0:
        return None
    return (
        f"up to {100 * share:.1f} % of the predictions depend on the batch or its padding; "
        f"the scores are those of batches of {BATCH_SIZE} in the order of the file"
    )


def _pad(batch: PairBatch) -> PairBatch:
    return batch.padded(PADDING)
