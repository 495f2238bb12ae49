"""QMF: quality-aware multimodal fusion; each modality counts as far as it is sure of itself on this post.

Zhang, Wu, Zhang, Hu, Fu, Zhou & Peng, "Provable Dynamic Fusion for Low-Quality Multimodal Data", ICML 2023,
https://arxiv.org/abs/2306.02050. Authors' code: https://github.com/QingyangZhang/QMF. Grade A: code read. The losses
are in ``objectives/quality_aware.py``.

Both versions differ from the released code in that the encoders are frozen (they are fine-tuned there), so that a text
is the mean of its token states and not BERT's tuned pooled output. As in that code the gradient does not flow through
the confidences into the fused logits.

``fidelity="published"`` computes what the released code computes: the confidence is the energy over 10, which can be
negative, so that a modality that is very unsure votes against its own opinion.

``fidelity="sound"`` (default) repairs this by a softplus of the energy, and brings the frozen features to mean 0 and
deviation 1. An absent picture or an empty text has no confidence; published it is a vector of zeros, whose opinion is
the bias of its classifier.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from sentipair.features import FeatureSpec, ImageGrid, PairBatch, TextLayers, standardise
from sentipair.models.base import Fidelity, PairModel, PairOutput, Range, register
from sentipair.models.layers import Dropout, masked_mean
from sentipair.settings import Count, Rate


@register("qmf")
class QMF(PairModel):
    """A linear classifier per modality; the pair's logits are theirs, weighed by the confidence of each.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder's grid.
        fidelity: see the module.
        strips: horizontal strips that a picture is averaged in.
        dropout: of the features; 0 in the released code.
    """

    title = "Quality-aware Multimodal Fusion"
    citation = (
        "Zhang, Q., Wu, H., Zhang, C., Hu, Q., Fu, H., Zhou, J. T. and Peng, X. Provable Dynamic Fusion for "
        "Low-Quality Multimodal Data. ICML 2023. arXiv:2306.02050"
    )
    adapted = (
        "Frozen encoders where the paper fine-tunes them, and the mean of a text's token states in place of BERT's "
        "pooled output."
    )
    search_space: ClassVar[Mapping[str, Range]] = {
        "model.dropout": Range(0.0, 0.7),
        "training.learning_rate": Range(1e-4, 3e-3, log=True),
        "training.weight_decay": Range(1e-3, 1.0, log=True),
    }

    def __init__(
        self,
        *,
        classes: Count = 3,
        text_dim: Count = 768,
        image_dim: Count = 2048,
        fidelity: Fidelity = "sound",
        strips: Count = 3,
        dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.published = fidelity == "published"
        self.strips = strips
        self.classify_text = nn.Sequential(Dropout(dropout), nn.Linear(text_dim, classes))
        self.classify_image = nn.Sequential(Dropout(dropout), nn.Linear(strips * image_dim, classes))

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer and the image grid."""
        return [TextLayers(last=1), ImageGrid()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs; the attention [B, 2] is the share of text and picture in the confidence."""
        words = masked_mean(batch["text"][:, :, -1].float(), batch["text_mask"])  # (B, d)
        cells = batch["grid"].float() * batch["grid_mask"].unsqueeze(-1)  # (B, R, d)
        places = average_strips(cells, self.strips)  # (B, strips·d)
        if not self.published:
            words, places = standardise(words), standardise(places)
        text, image = self.classify_text(words), self.classify_image(places)  # (B, K)
        opinions = torch.stack([text, image], dim=1)  # (B, 2, K)
        confidences = confidence(opinions.detach(), published=self.published)  # (B, 2)
        if not self.published:
            confidences = confidences * torch.stack([batch.has_text, batch.has_image], dim=1)
        return PairOutput(
            logits=torch.einsum("bm,bmk->bk", confidences, opinions),
            unimodal={"text": text, "image": image},
            # energies of either sign have no shares
            attention=None
            if self.published
            else {"modalities": functional.normalize(confidences, p=1.0, dim=-1)},
        )


def confidence(logits: Tensor, *, published: bool) -> Tensor:
    """How sure logits […, K] are: their energy log Σ exp, made positive unless ``published``, over 10 → […]."""
    energy = logits.logsumexp(dim=-1)
    return (energy if published else functional.softplus(energy)) / 10


def average_strips(cells: Tensor, strips: int) -> Tensor:
    """Cells [B, R, d] of a square grid, row by row, as means over horizontal strips [B, strips·d]."""
    side = math.isqrt(cells.shape[1])
    rows = cells.unflatten(1, (side, side)).mean(dim=2)  # (B, side, d)
    return functional.adaptive_avg_pool1d(rows.transpose(1, 2), strips).transpose(1, 2).flatten(1)
