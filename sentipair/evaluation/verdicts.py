"""How right a large model is on its own: the polarity that it picks for each post, against the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from sentipair.data import PairDataset
from sentipair.errors import UserError
from sentipair.evaluation.bootstrap import bootstrap_interval
from sentipair.evaluation.metrics import evaluate_predictions, headline


def verdict_scores(dataset: PairDataset, verdicts: Mapping[str, str | None]) -> dict[str, dict[str, Any]]:
    """Scores per split: a control without any training, for models that read the same model's rationales.

    A post without a usable verdict counts as the class that is most frequent among the training labels, or among all
    labels where there is no training split.

    Args:
        dataset: with labels.
        verdicts: id → class, ``None`` where the model gave no usable answer. Other posts take no part.

    Returns:
        Split → ``rows``, ``answered``, ``metrics`` as of ``evaluate_predictions`` and 95 % ``intervals`` of the
        headline numbers; a split of which no labelled post has a verdict is left out. Data without splits is one,
        called ``all``.

    Raises:
        UserError: a verdict is none of the classes.
    """
    foreign = sorted({verdict for verdict in verdicts.values() if verdict} - set(dataset.classes))
    if foreign:
        raise UserError(f"the verdict {foreign[0]!r} is none of the classes {', '.join(dataset.classes)}")
    index = {name: place for place, name in enumerate(dataset.classes)}
    splits = {name: dataset.split(name).pairs for name in dataset.splits} or {"all": dataset.pairs}
    labels = Counter(pair.label for pair in splits.get("train", dataset.pairs) if pair.label is not None)
    scores = {}
    for name, pairs in splits.items():
        labelled = [pair for pair in pairs if pair.label is not None and pair.id in verdicts]
        answered = sum(verdicts[pair.id] is not None for pair in labelled)
        if not answered:
            continue
        usual = max(dataset.classes, key=lambda name: labels[name])
        targets = np.array([index[str(pair.label)] for pair in labelled])
        predictions = np.array([index[verdicts[pair.id] or usual] for pair in labelled])
        count = len(dataset.classes)
        scores[name] = {
            "rows": len(labelled),
            "answered": answered,
            "metrics": evaluate_predictions(targets, predictions, dataset.classes).to_dict(),
            "intervals": {
                statistic: bootstrap_interval(targets, predictions, num_classes=count, statistic=statistic)
                for statistic in headline(count)
            },
        }
    return scores
