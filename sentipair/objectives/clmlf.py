"""The losses of CLMLF: posts of one class attract each other, and so do the two views of a post.

Li et al., "CLMLF: A Contrastive Learning and Multi-Layer Fusion Method for Multimodal Sentiment Detection", Findings of
NAACL 2022 (arXiv 2204.05515). Authors' code: https://github.com/Link-Li/CLMLF. What is compared are projections of the
fused vector; a second pass over the post, under other dropout, gives its second view.

``fidelity="published"`` computes what the released code computes: products of vectors as they are, so that their
length counts; in the label-based loss a post is a positive of its own, all pairs of one class weigh the same, and τ
divides the logarithm of the softmax instead of the products, so that it scales that loss by 14 and sharpens nothing.
``fidelity="sound"`` (default) compares cosines, with τ inside, and no post with itself.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from sentipair.errors import UserError
from sentipair.features import PairBatch
from sentipair.models import Fidelity, PairModel
from sentipair.objectives.base import Objective, cross_entropy, register
from sentipair.objectives.contrastive import supervised_contrastive_loss
from sentipair.settings import NonNegative, Positive


@register("clmlf")
class CLMLFObjective(Objective):
    """Cross-entropy + label-based + data-based contrastive loss.

    Args:
        label_weight: of the label-based loss.
        data_weight: of the data-based loss; with 0 there is no second pass.
        temperature: τ of both.
        fidelity: see the module.
    """

    def __init__(
        self,
        *,
        label_weight: NonNegative = 1.0,
        data_weight: NonNegative = 1.0,
        temperature: Positive = 0.07,
        fidelity: Fidelity = "sound",
    ) -> None:
        self.label_weight = label_weight
        self.data_weight = data_weight
        self.temperature = temperature
        self.published = fidelity == "published"

    def step(self, model: PairModel, batch: PairBatch, optimizer: Optimizer) -> dict[str, float]:
        """Two forward passes, one update.

        Raises:
            UserError: a model without views to compare.
        """
        output = model(batch)
        if not output.views:
            raise UserError(f"{model.title} has no views to compare; set objective.name=cross-entropy")
        original = output.views["original"]
        terms = {
            "cross_entropy": cross_entropy(output.logits, batch.labels),
            "label_contrast": self.label_contrast(original, batch.labels),
        }
        loss = terms["cross_entropy"] + self.label_weight * terms["label_contrast"]
        if self.data_weight:
            terms["data_contrast"] = self.data_contrast(original, model(batch).views["augmented"])
            loss = loss + self.data_weight * terms["data_contrast"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.item(), **{name: value.item() for name, value in terms.items()}}

    def label_contrast(self, vectors: Tensor, labels: Tensor) -> Tensor:
        """Vectors [B, D] of one class attract each other."""
        if not self.published:
            return supervised_contrastive_loss(vectors, vectors, labels, temperature=self.temperature)
        log_share = (vectors @ vectors.T).log_softmax(dim=-1) / self.temperature
        return -log_share[labels.unsqueeze(1) == labels].mean()

    def data_contrast(self, original: Tensor, augmented: Tensor) -> Tensor:
        """Of all second views [B, D], that of the same post is the nearest to a first view [B, D]."""
        if not self.published:
            original, augmented = (functional.normalize(view, dim=-1) for view in (original, augmented))
        similarity = original @ augmented.T / self.temperature
        return functional.cross_entropy(similarity, torch.arange(len(original), device=original.device))
