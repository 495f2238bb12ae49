"""Logistic regression on pooled features: the floor that a system with trained parts must pass.

No paper; the linear classifier of Cox (1958) on the mean of a text's token states and the mean of a picture's cells
(or its [CLS]), as linear probes of frozen encoders do (Alain & Bengio 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from sentipair.features import FeatureSpec, ImageVector, PairBatch, TextLayers, standardise
from sentipair.models.base import PairModel, PairOutput, register
from sentipair.models.layers import masked_mean
from sentipair.settings import Count


@register("logistic-regression")
class LogisticRegression(PairModel):
    """One linear map of [text; picture], each brought to mean 0 and deviation 1 over its own channels.

    An absent picture or an empty text is a vector of zeros.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder.
    """

    title = "Logistic regression on pooled features"
    citation = (
        "Alain, G. and Bengio, Y. Understanding intermediate layers using linear classifier probes. 2016. "
        "arXiv:1610.01644"
    )

    def __init__(self, *, classes: Count = 3, text_dim: Count = 768, image_dim: Count = 2048) -> None:
        super().__init__()
        self.linear = nn.Linear(text_dim + image_dim, classes)

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer and one vector per picture."""
        return [TextLayers(last=1), ImageVector()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs."""
        mask = batch["text_mask"]
        text = masked_mean(batch["text"][:, :, -1].float(), mask)  # (B, d)
        fused = torch.cat([standardise(text), standardise(batch["image"])], dim=-1)
        return PairOutput(logits=self.linear(fused), fused=fused)
