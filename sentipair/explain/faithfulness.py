"""Is an explanation faithful? What is said to matter is taken away first, and the prediction should fall faster for it.

Deletion curves (Samek et al. 2017, https://doi.org/10.1109/TNNLS.2016.2599820; Petsiuk et al. 2018, arXiv:1806.07421).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentipair.data.pair import Pair, Post
from sentipair.errors import UserError
from sentipair.evaluation.bootstrap import Interval
from sentipair.explain.explaining import METHODS, most_probable
from sentipair.explain.explanation import Method, Region, Word
from sentipair.explain.occlusion import opened, remove
from sentipair.explain.positions import word_spans
from sentipair.inference import Predictor
from sentipair.progress import track

SHARES = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
"""Of the words or regions that are taken away."""

RANDOM_ORDERS = 3
"""Per post, whose mean is what the order of influence is compared with."""

RESAMPLES = 10_000

Orders = list[NDArray[np.intp]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionCheck:
    """Deletion curves over posts.

    Attributes:
        posts: how many had anything to take away.
        by_influence: mean probability of the predicted class at each of ``SHARES``, the most influential taken first.
        at_random: the same in random order.
        gain: area between the two, mean over posts; above 0 the influence says more than chance.
        interval: 95 %, posts drawn anew.
    """

    posts: int
    by_influence: tuple[float, ...]
    at_random: tuple[float, ...]
    gain: float
    interval: Interval


def check_deletion(
    predictor: Predictor, pairs: Sequence[Pair], *, method: Method = "occlusion", seed: int = 0
) -> dict[str, DeletionCheck]:
    """How faithful ``method`` is on ``pairs``: a check of the ``words`` and one of the ``regions``.

    A kind that no post has two of is left out. Words are taken from the text and regions covered in the picture,
    whichever way the influence was found.

    Raises:
        UserError: no post has two words or a picture.
    """
    curves: dict[str, list[NDArray[np.float64]]] = {"words": [], "regions": []}
    for number, pair in enumerate(track(pairs, "taking away words and regions")):
        generator = np.random.default_rng([seed, number])
        post = opened(predictor.prepare([pair])[0])
        target = most_probable(predictor.predict([post])[0])
        influence = METHODS[method](predictor, pair, target)
        found: dict[str, Sequence[Word | Region]] = {"words": influence.words, "regions": influence.regions}
        for kind, parts in found.items():
            if len(parts) < 2:
                continue
            first = np.argsort([-part.influence for part in parts], kind="stable")
            orders = [first, *(generator.permutation(len(parts)) for _ in range(RANDOM_ORDERS))]
            changed = [shortened(post, parts, taken) for order in orders for taken in cuts(order)]
            said = [one.probabilities[target] for one in predictor.predict(changed)]
            curves[kind].append(np.reshape(said, (len(orders), len(SHARES))))
    checks = {kind: summary(np.stack(found), seed=seed) for kind, found in curves.items() if found}
    if not checks:
        raise UserError("no post has two words or a picture that can be used; give other posts")
    return checks


def cuts(order: NDArray[np.intp]) -> Orders:
    """What is taken away at each of ``SHARES`` when it goes in this order."""
    return [order[: round(share * len(order))] for share in SHARES]


def shortened(post: Post, parts: Sequence[Word | Region], taken: NDArray[np.intp]) -> Post:
    """The post without these of its words or regions."""
    spans = word_spans(post.text)
    words = [spans[i] for i in taken if isinstance(parts[i], Word)]
    boxes = [part.box for i in taken if isinstance(part := parts[i], Region)]
    return remove(post, words=words, boxes=boxes)


def summary(curves: NDArray[np.float64], *, seed: int) -> DeletionCheck:
    """The check from probabilities [posts, orders, shares], the order of influence first."""
    first, random = curves[:, 0], curves[:, 1:].mean(axis=1)
    gains = np.trapezoid(random - first, SHARES, axis=1)
    drawn = np.random.default_rng(seed).integers(len(gains), size=(RESAMPLES, len(gains)))
    low, high = np.quantile(gains[drawn].mean(axis=1), [0.025, 0.975])
    return DeletionCheck(
        posts=len(gains),
        by_influence=tuple(first.mean(axis=0).tolist()),
        at_random=tuple(random.mean(axis=0).tolist()),
        gain=float(gains.mean()),
        interval=Interval(float(low), float(high)),
    )
