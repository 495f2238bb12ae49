"""How far annotators agree: no model can be told to be better than the labels are sure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from sentipair.data.labels import majority
from sentipair.data.pair import Pair


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The votes on some posts; the shares lie in [0, 1].

    Attributes:
        posts: those with two votes or more; the others take no part.
        pairwise: of all pairs of votes on one post, the share that are equal.
        alpha: Krippendorff's α for nominal labels: 1 where all votes on a post are equal, 0 where they agree as by
            chance.
        with_others: of the votes on posts on which most of the others, two or more, agree, the share that say the same
            as they; None where there are none.
        with_label: of the votes on labelled posts, the share that are the label; None where no post has a label. The
            label was made from them, so this is more than a model can be expected to reach.
    """

    posts: int
    pairwise: float
    alpha: float
    with_others: float | None
    with_label: float | None


def agreement(pairs: Sequence[Pair]) -> Agreement | None:
    """How far the annotators of ``pairs`` agree; None where no post has two votes."""
    votes = [[vote for vote in pair.votes if vote is not None] for pair in pairs]
    labels = [pair.label for pair, given in zip(pairs, votes, strict=True) if len(given) > 1]
    votes = [given for given in votes if len(given) > 1]
    if not votes:
        return None
    to_label = [vote == label for given, label in zip(votes, labels, strict=True) if label for vote in given]
    return Agreement(
        posts=len(votes),
        pairwise=_share([a == b for given in votes for a, b in combinations(given, 2)]) or 0.0,
        alpha=krippendorff_alpha(votes),
        with_others=_share(
            [
                vote == most
                for given in votes
                for place, vote in enumerate(given)
                if len(given) > 2 and (most := majority(given[:place] + given[place + 1 :]))
            ]
        ),
        with_label=_share(to_label),
    )


def krippendorff_alpha(votes: Sequence[Sequence[str]]) -> float:
    """Krippendorff's α for nominal labels, 1 − D_o / D_e, of posts with two votes or more each.

    D_o is the share of unequal pairs of votes on one post, D_e that among all votes (Krippendorff, "Computing
    Krippendorff's Alpha-Reliability", 2011, part C). 1 where only one label was ever given.
    """
    counts = Counter(vote for given in votes for vote in given)
    total = counts.total()
    unequal = sum(sum(a != b for a, b in permutations(given, 2)) / (len(given) - 1) for given in votes)
    by_chance = (total**2 - sum(count**2 for count in counts.values())) / (total - 1)
    return 1 - unequal / by_chance if by_chance else 1.0


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None
