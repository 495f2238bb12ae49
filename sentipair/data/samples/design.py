"""The joint distribution of the sample data, written down, and the best accuracies that follow from it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeVar

from sentipair.data.pair import SARCASM, SENTIMENT
from sentipair.errors import UserError

Task = Literal["sentiment", "sarcasm"]
Key = TypeVar("Key")


class Cell(NamedTuple):
    """One kind of pair."""

    text_label: str
    image_label: str
    label: str


def joint(task: Task, disagreement: float) -> dict[Cell, float]:
    """The probability of every kind of pair; ``disagreement`` is the share whose text and picture differ.

    ``sentiment``: text and picture agree (each class a third of the agreeing share), or exactly one of the
    two is neutral (each way a quarter of the disagreeing share) and the other's polarity is the label;
    opposite pairs do not occur.

    ``sarcasm``: both are positive or both negative (each half of the agreeing share, not sarcastic), or they
    are opposite (each way half of the disagreeing share, sarcastic).

    Raises:
        UserError: unknown task, or ``disagreement`` outside 0 … 1.
    """
    if not 0 <= disagreement <= 1:
        raise UserError(f"disagreement must lie between 0 and 1, not {disagreement}")
    positive, neutral, negative = SENTIMENT
    if task == "sentiment":
        agreeing = [Cell(name, name, name) for name in SENTIMENT]
        differing = [Cell(pole, neutral, pole) for pole in (positive, negative)]
        differing += [Cell(neutral, pole, pole) for pole in (positive, negative)]
    elif task == "sarcasm":
        sincere, sarcastic = SARCASM
        agreeing = [Cell(pole, pole, sincere) for pole in (positive, negative)]
        differing = [Cell(positive, negative, sarcastic), Cell(negative, positive, sarcastic)]
    else:
        raise UserError(f"unknown task {task!r}; choose sentiment or sarcasm")
    shares = {cell: (1 - disagreement) / len(agreeing) for cell in agreeing}
    return shares | {cell: disagreement / len(differing) for cell in differing}


def ceilings(task: Task, disagreement: float) -> dict[str, float]:
    """The best possible accuracy from ``text``, from ``image``, from ``both``, and blindly (``majority``).

    Exact: the Bayes-optimal answer to each observable state of ``joint``, 0 to 1.
    """
    shares = joint(task, disagreement)
    return {
        "majority": best_accuracy(shares, lambda _: None),
        "text": best_accuracy(shares, lambda cell: cell.text_label),
        "image": best_accuracy(shares, lambda cell: cell.image_label),
        "both": best_accuracy(shares, lambda cell: (cell.text_label, cell.image_label)),
    }


def best_accuracy(shares: Mapping[Cell, float], seen: Callable[[Cell], object]) -> float:
    """Σ over what is ``seen`` of the largest share that one label has there."""
    by_state: dict[object, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for cell, share in shares.items():
        by_state[seen(cell)][cell.label] += share
    return round(sum(max(labels.values()) for labels in by_state.values()), 12)


def apportion(total: int, shares: Mapping[Key, float]) -> dict[Key, int]:
    """Whole counts that add up to ``total``, by largest remainder; ties go to the earlier key."""
    counts = {key: math.floor(total * share + 1e-9) for key, share in shares.items()}
    by_remainder = sorted(shares, key=lambda key: counts[key] - total * shares[key])
    for key in by_remainder[: total - sum(counts.values())]:
        counts[key] += 1
    return counts
