"""What models read of a post's rationales, and the plug-in that lets every model read them.

A rationale says why the post could be meant in one polarity; there is one per polarity, or none. Ma, Xu, Li & Fu,
"Multimodal Sentiment Analysis with Multi-Perspective Thinking via Large Multimodal Models", CIKM 2025,
https://doi.org/10.1145/3746252.3761328, give theirs to other systems too (Table 4); how is not known, so
``WithRationales`` is our reconstruction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from sentipair.features import FeatureSpec, PairBatch, TextLayers, standardise
from sentipair.features.specs import RATIONALE
from sentipair.models.base import PairModel, PairOutput
from sentipair.models.layers import Dropout, masked_mean
from sentipair.settings import Count, Rate

MAX_LENGTH = 256
"""Tokens that are read of a rationale."""


def rationale_layers(polarities: Sequence[str], *, pad_to: int | None = None) -> list[TextLayers]:
    """The last text layer of the rationale for each polarity."""
    return [
        TextLayers(last=1, max_length=MAX_LENGTH, pad_to=pad_to, of=RATIONALE + polarity)
        for polarity in polarities
    ]


def pool_rationales(batch: PairBatch, polarities: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The mean token state of each rationale [B, P, d], zero where there is none, and which are there [B, P]."""
    names = [RATIONALE + polarity for polarity in polarities]
    means = [masked_mean(batch[name][:, :, -1].float(), batch[f"{name}_mask"]) for name in names]
    present = [batch[f"{name}_mask"].any(1) for name in names]
    return torch.stack(means, dim=1), torch.stack(present, dim=1)


def join_rationales(batch: PairBatch, polarities: Sequence[str]) -> tuple[Tensor, Tensor]:
    """All rationales side by side [B, P·d], each mean brought to mean 0 and deviation 1, and which are there [B, P]."""
    means, present = pool_rationales(batch, polarities)
    return standardise(means).flatten(1), present


class WithRationales(PairModel):
    """Any model, its logits corrected by what the rationales say: logits + g ⊙ (W·r + b).

    r is what ``join_rationales`` gives; g = σ(v·r + c) is how far it is trusted on this post, 0 where there is no
    rationale. So a post without any gets the inner model's own answer.

    Args:
        model: the inner model.
        polarities: what rationales are read for: the classes of the data.
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        dropout: of r.
    """

    title = "Rationales as a plug-in"
    citation = (
        "Ma, Xu, Li and Fu. Multimodal Sentiment Analysis with Multi-Perspective Thinking via Large Multimodal Models. "
        "CIKM 2025. doi:10.1145/3746252.3761328"
    )

    def __init__(
        self,
        model: PairModel,
        *,
        polarities: Sequence[str],
        classes: Count = 3,
        text_dim: Count = 768,
        dropout: Rate = 0.5,
    ) -> None:
        super().__init__()
        self.model = model
        self.polarities = tuple(polarities)
        wide = len(self.polarities) * text_dim
        self.dropout = Dropout(dropout)
        self.gate = nn.Linear(wide, 1)
        self.classifier = nn.Linear(wide, classes)

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """What the inner model requires, and the rationales."""
        inner = list(self.model.requires)
        read = {spec.of for spec in inner if isinstance(spec, TextLayers)}
        return inner + [spec for spec in rationale_layers(self.polarities) if spec.of not in read]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs; ``attention["rationale_gate"]`` [B, 1] is g."""
        output: PairOutput = self.model(batch)
        rationales, present = join_rationales(batch, self.polarities)  # (B, P·d), (B, P)
        rationales = self.dropout(rationales)
        gate = torch.sigmoid(self.gate(rationales)) * present.any(1, keepdim=True)  # (B, 1)
        return replace(
            output,
            logits=output.logits + gate * self.classifier(rationales),
            attention={**(output.attention or {}), "rationale_gate": gate},
        )
