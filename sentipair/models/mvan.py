"""MVAN: text and picture attend to each other in a memory network, and are fused by stacking and pooling.

Yang, Feng, Wang & Zhang, "Image-Text Multimodal Emotion Classification via Multi-View Attentional Network", IEEE
Transactions on Multimedia 23, 2021, https://doi.org/10.1109/TMM.2020.3035277. The authors' repository,
https://github.com/YangXiaocui1215/MVAN, holds no code. Grade C: known from later papers' descriptions; the update of
the states, the number of hops and the sizes are our reconstruction.

Differences from the paper: token states of the text encoder in place of GloVe vectors below the BiLSTM; one view of the
picture, its objects, from a frozen network. The second view, its scene, needs a network trained on Places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sentipair.features import FeatureSpec, ImageGrid, PairBatch, TextLayers
from sentipair.models.base import PairModel, PairOutput, Range, register
from sentipair.models.layers import AdditiveAttention, Dropout, WideLinear, frozen_rows, masked_mean, unpack
from sentipair.models.recurrence import BiLSTM
from sentipair.settings import Count, Rate


@register("mvan")
class MVAN(PairModel):
    """Multi-view attentional network with one view of the picture.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder's grid.
        hops: how many times each modality attends to the other.
        hidden: width of the BiLSTM per direction, half the width of memories and states.
        dropout: of the memories and of what the classifier sees.
        input_dropout: of the frozen features.
    """

    title = "Multi-View Attentional Network"
    citation = (
        "Yang, X., Feng, S., Wang, D. and Zhang, Y. Image-Text Multimodal Emotion Classification via Multi-View "
        "Attentional Network. IEEE Transactions on Multimedia 23, 2021. doi:10.1109/TMM.2020.3035277"
    )
    adapted = (
        "Reconstructed from secondary descriptions: token states of the text encoder in place of GloVe vectors, and "
        "the object view of the picture alone, without a scene view."
    )
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
        text_dim: Count = 768,
        image_dim: Count = 2048,
        hops: Count = 2,
        hidden: Count = 150,
        dropout: Rate = 0.5,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.hops = hops
        dim = 2 * hidden
        self.input_dropout, self.dropout = Dropout(input_dropout), Dropout(dropout)
        self.bilstm = BiLSTM(text_dim, hidden)
        self.cells = nn.Sequential(
            WideLinear(image_dim, dim), nn.Tanh()
        )  # in the range of the BiLSTM's states
        self.attend_words, self.attend_cells = (AdditiveAttention(dim, dim, hidden) for _ in range(2))
        self.concatenated = nn.Sequential(nn.Linear(2 * dim, dim), nn.ReLU())
        self.classifier = nn.Linear(3 * dim, classes)

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer and the image grid."""
        return [TextLayers(last=1), ImageGrid()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs; the attention is that of the last hop."""
        word_mask, cell_mask = batch["text_mask"], batch["grid_mask"]
        words, cells = self.read_text(batch), self.read_image(batch)  # (B, N, D), (B, R, D)
        text, image = masked_mean(words, word_mask), masked_mean(cells, cell_mask)  # (B, D)
        word_keys, cell_keys = self.attend_words.key(words), self.attend_cells.key(cells)
        for _ in range(self.hops):
            seen_words, over_words = self.attend_words.ask(words, word_keys, image, word_mask)
            seen_cells, over_cells = self.attend_cells.ask(cells, cell_keys, text, cell_mask)
            text, image = text + seen_words, image + seen_cells
        stacked = torch.stack([text, image], dim=1)  # (B, 2, D)
        parts = [
            self.concatenated(self.dropout(stacked.flatten(1))),
            stacked.amax(dim=1),
            stacked.mean(dim=1),
        ]
        fused = torch.cat(parts, dim=-1)  # (B, 3·D)
        return PairOutput(
            logits=self.classifier(self.dropout(fused)),
            image=image,
            text=text,
            fused=fused,
            attention={"words": over_words, "cells": over_cells},
        )

    def read_text(self, batch: PairBatch) -> Tensor:
        """The BiLSTM's states as a memory [B, N, D]."""
        mask = batch["text_mask"]
        states = self.bilstm(frozen_rows(batch, "text", self.input_dropout)[:, -1], mask.sum(dim=1))
        return unpack(self.dropout(states), mask)

    def read_image(self, batch: PairBatch) -> Tensor:
        """The projected cells as a memory [B, R, D]."""
        cells = self.cells(frozen_rows(batch, "grid", self.input_dropout))
        return unpack(self.dropout(cells), batch["grid_mask"])
