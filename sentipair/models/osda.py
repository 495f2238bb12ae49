"""OSDA: what is in the picture, its cells weighed by one learned question.

The ablation "object and scene" of Yang, Feng, Wang & Zhang, "Image-Text Multimodal Emotion Classification via
Multi-View Attentional Network", IEEE Transactions on Multimedia 23, 2021, https://doi.org/10.1109/TMM.2020.3035277. No
code for it. Grade C/D: a reconstruction; the attention, the layer above it and all sizes are ours.

Differences from the paper: no view of the scene, for which a network trained on Places would be needed; the cells come
from the run's image encoder, frozen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sentipair.features import FeatureSpec, ImageGrid, PairBatch
from sentipair.models.base import PairModel, PairOutput, Range, register
from sentipair.models.layers import Dropout, WideLinear, frozen_rows, masked_softmax, unpack
from sentipair.settings import Count, Rate


@register("osda")
class OSDA(PairModel):
    """Attentive pooling of the cells of the object view, a hidden layer, a classifier.

    Args:
        classes: number of classes K.
        image_dim: channels of the image encoder's grid.
        hidden: of the attention and of the layer before the classifier.
        dropout: of that layer.
        input_dropout: of the frozen features.
    """

    title = "OSDA (object view)"
    citation = (
        "Yang, X., Feng, S., Wang, D. and Zhang, Y. Image-Text Multimodal Emotion Classification via Multi-View "
        "Attentional Network. IEEE Transactions on Multimedia 23, 2021. doi:10.1109/TMM.2020.3035277"
    )
    adapted = "Reconstructed without code, and without the view of the scene."
    search_space: ClassVar[Mapping[str, Range]] = {
        "model.dropout": Range(0.0, 0.7),
        "model.input_dropout": Range(0.0, 0.5),
        "training.learning_rate": Range(1e-4, 3e-3, log=True),
        "training.weight_decay": Range(1e-3, 1.0, log=True),
    }

    def __init__(
        self,
        *,
        classes: Count = 3,
        image_dim: Count = 2048,
        hidden: Count = 128,
        dropout: Rate = 0.5,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.input_dropout = Dropout(input_dropout)
        self.question = nn.Sequential(
            WideLinear(image_dim, hidden, bias=False), nn.Tanh(), nn.Linear(hidden, 1, bias=False)
        )
        self.objects = nn.Sequential(nn.Linear(image_dim, hidden), nn.ReLU())
        self.classifier = nn.Sequential(Dropout(dropout), nn.Linear(hidden, classes))

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The image grid."""
        return [ImageGrid()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs by their pictures."""
        mask = batch["grid_mask"]
        rows = frozen_rows(batch, "grid", self.input_dropout)  # (T, d)
        weights = masked_softmax(unpack(self.question(rows), mask).squeeze(-1), mask)  # (B, R)
        pooled = torch.einsum("br,brd->bd", weights, unpack(rows, mask))
        image: Tensor = self.objects(pooled)  # (B, H)
        return PairOutput(logits=self.classifier(image), image=image, attention={"cells": weights})
