"""Several networks of one kind, their probabilities averaged: a deep ensemble around any model.

Lakshminarayanan, Pritzel & Blundell, "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles",
NeurIPS 2017, arXiv:1612.01474. The members differ by what is drawn at random, initial weights and dropout; each is
trained on all posts by the same objective and knows nothing of the others (``objectives/members.py``), in the same
mini-batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sentipair.features import FeatureSpec, PairBatch
from sentipair.models.base import PairModel, PairOutput

MEMBERS = 5
"""The paper's M."""


class Ensemble(PairModel):
    """Members that vote with their probabilities.

    Args:
        members: at least two, freshly initialised, with the same settings.
    """

    title = "Deep ensemble"
    citation = (
        "Lakshminarayanan, B., Pritzel, A. and Blundell, C. Simple and Scalable Predictive Uncertainty Estimation "
        "using Deep Ensembles. NeurIPS 2017. arXiv:1612.01474"
    )

    def __init__(self, members: Sequence[PairModel]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.expansion = members[0].expansion  # type: ignore[misc]  # one member after the other

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """What every member requires."""
        return self.members[0].requires  # type: ignore[return-value]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs: logits are logarithms of mean probabilities, embeddings stand side by side.

        ``views`` are left out: objectives see the members.
        """
        outputs: list[PairOutput] = [member(batch) for member in self.members]
        return PairOutput(
            logits=vote([output.logits for output in outputs]),
            image=side_by_side([output.image for output in outputs]),
            text=side_by_side([output.text for output in outputs]),
            fused=side_by_side([output.fused for output in outputs]),
            unimodal=by_name(vote, [output.unimodal for output in outputs]),
            attention=by_name(mean, [output.attention for output in outputs]),
        )


def vote(logits: Sequence[Tensor]) -> Tensor:
    """The logarithm of the mean of the members' probabilities: M × [B, K] → [B, K]."""
    return torch.stack(list(logits)).log_softmax(-1).logsumexp(0) - math.log(len(logits))


def mean(weights: Sequence[Tensor]) -> Tensor:
    """The mean of the members' attention."""
    return torch.stack(list(weights)).mean(0)


def side_by_side(embeddings: Sequence[Tensor | None]) -> Tensor | None:
    """M × [B, D] → [B, M·D]; nothing where the members have none."""
    there = [embedding for embedding in embeddings if embedding is not None]
    return torch.cat(there, dim=-1) if there else None


def by_name(
    join: Callable[[Sequence[Tensor]], Tensor], said: Sequence[Mapping[str, Tensor] | None]
) -> dict[str, Tensor] | None:
    """What the members say under each name, joined; nothing where they say nothing."""
    there = [values for values in said if values is not None]
    return {name: join([values[name] for values in there]) for name in there[0]} if there else None
