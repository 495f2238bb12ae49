"""The losses of QMF: every modality classifies, and is to be surer of the posts that it has found easier so far.

Zhang et al., "Provable Dynamic Fusion for Low-Quality Multimodal Data", ICML 2023, https://arxiv.org/abs/2306.02050.
Authors' code: https://github.com/QingyangZhang/QMF. A modality's history of a post is the sum of its losses there since
the beginning; over all posts met so far it is brought to 0…1.

``fidelity="published"`` computes what the released code computes. There the margin of the rank loss has the wrong sign:
the paper asks that of two posts the easier one be ahead in confidence by at least the difference of the histories; the
code is content until the *harder* one is ahead by more than that. (That code also counts posts that it has not met
yet, as 0, in the first epoch.) ``fidelity="sound"`` (default) is the paper's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from sentipair.errors import UserError
from sentipair.features import PairBatch
from sentipair.models import Fidelity, PairModel
from sentipair.models.qmf import confidence
from sentipair.objectives.base import Objective, cross_entropy, register
from sentipair.settings import NonNegative


@register("quality-aware")
class QualityAware(Objective):
    """CE(pair) + Σ over modalities of CE + rank loss.

    Args:
        unimodal_weight: of the cross-entropies of the modalities.
        rank_weight: of the rank losses.
        fidelity: see the module.
    """

    def __init__(
        self,
        *,
        unimodal_weight: NonNegative = 1.0,
        rank_weight: NonNegative = 1.0,
        fidelity: Fidelity = "sound",
    ) -> None:
        self.unimodal_weight = unimodal_weight
        self.rank_weight = rank_weight
        self.published = fidelity == "published"
        self.histories: dict[str, dict[str, float]] = {}

    def step(self, model: PairModel, batch: PairBatch, optimizer: Optimizer) -> dict[str, float]:
        """One forward pass, one update.

        Raises:
            UserError: a model that does not classify each modality alone.
        """
        output = model(batch)
        if not output.unimodal:
            raise UserError(
                f"{model.title} does not classify each modality alone; set objective.name=cross-entropy"
            )
        terms = {"cross_entropy": cross_entropy(output.logits, batch.labels)}
        loss = terms["cross_entropy"]
        for name, logits in output.unimodal.items():
            losses = functional.cross_entropy(logits, batch.labels, reduction="none")  # (B,)
            history = self.histories.setdefault(name, {})
            for pair, value in zip(batch.ids, losses.tolist(), strict=True):
                history[pair] = history.get(pair, 0.0) + value
            terms[f"cross_entropy_{name}"] = losses.mean()
            terms[f"rank_{name}"] = rank_loss(
                confidence(logits, published=self.published),
                relative_history(history, batch.ids).to(logits),
                published=self.published,
            )
            loss = (
                loss
                + self.unimodal_weight * terms[f"cross_entropy_{name}"]
                + self.rank_weight * terms[f"rank_{name}"]
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.item(), **{name: value.item() for name, value in terms.items()}}

    def state(self) -> dict[str, Any]:
        """The histories: modality → id of a post → summed loss."""
        return self.histories

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from these histories."""
        self.histories = {name: dict(history) for name, history in state.items()}


def relative_history(history: Mapping[str, float], ids: Sequence[str]) -> Tensor:
    """The histories of some posts between the lowest, 0, and the highest, 1, of all: [B]; 0 where all are equal."""
    lowest, highest = min(history.values()), max(history.values())
    return torch.tensor([history[pair] - lowest for pair in ids]) / ((highest - lowest) or 1.0)


def rank_loss(confidences: Tensor, history: Tensor, *, published: bool = False) -> Tensor:
    """Mean over posts i and their neighbours j of max(0, s·(c_i − c_j) + |h_i − h_j|) with s = sign(h_i − h_j).

    Args:
        confidences: [B], c.
        history: [B], h between 0 and 1: the higher, the harder the post has been.
        published: subtract |h_i − h_j| instead, as the released code does.
    """
    harder = history - history.roll(-1)
    margin = -harder.abs() if published else harder.abs()
    return torch.relu(harder.sign() * (confidences - confidences.roll(-1)) + margin).mean()
