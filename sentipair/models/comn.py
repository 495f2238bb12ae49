"""CoMN-Hop6: a co-memory network in which text and picture ask each other six times.

Xu, Mao & Chen, "A Co-Memory Network for Multimodal Sentiment Analysis", SIGIR 2018,
https://doi.org/10.1145/3209978.3210093. Grade C+: no code for this task; the first author's repository of a sibling,
https://github.com/xunan0812/MIMN (read), holds the co-memory scheme for aspects. How it starts without an aspect is our
reconstruction.

Differences from the paper and the sibling code: projected token states of the text encoder in place of an LSTM over
GloVe vectors; the memory of the picture is its cells, each projected by itself, where the sibling reads several
pictures with an LSTM; both states start at the mean of their memory, not at an aspect. Masks everywhere; a missing
memory is zero and adds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sentipair.features import FeatureSpec, ImageGrid, PairBatch, TextLayers
from sentipair.models.base import PairModel, PairOutput, Range, register
from sentipair.models.layers import AdditiveAttention, Dropout, WideLinear, frozen_rows, masked_mean, unpack
from sentipair.settings import Count, Rate


@register("comn-hop6")
class CoMN(PairModel):
    """Co-memory network.

    One linear map and one attention are shared by both modalities and all hops.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder's grid.
        hops: how many times each modality asks the other.
        dim: width of memories and states.
        dropout: of the memories and of what the classifier sees.
        input_dropout: of the frozen features, 0 in the sibling code.
    """

    title = "CoMN-Hop6"
    citation = (
        "Xu, N., Mao, W. and Chen, G. A Co-Memory Network for Multimodal Sentiment Analysis. SIGIR 2018. "
        "doi:10.1145/3209978.3210093"
    )
    adapted = (
        "Reconstructed from the first author's code for aspects: token states of the text encoder in place of GloVe "
        "vectors and an LSTM, both states starting at the mean of their memory."
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
        hops: Count = 6,
        dim: Count = 300,
        dropout: Rate = 0.5,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.hops = hops
        self.input_dropout, self.dropout = Dropout(input_dropout), Dropout(dropout)
        self.words, self.cells = WideLinear(text_dim, dim), WideLinear(image_dim, dim)
        self.update = nn.Linear(dim, dim)
        self.attention = AdditiveAttention(dim, dim, dim)
        self.classifier = nn.Linear(2 * dim, classes)

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer and the image grid."""
        return [TextLayers(last=1), ImageGrid()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs; the attention is that of the last hop."""
        states = frozen_rows(batch, "text", self.input_dropout)[:, -1]  # (T, d)
        words = self.memory(self.words, states, batch["text_mask"])  # (B, N, D)
        places = frozen_rows(batch, "grid", self.input_dropout)  # (T, d)
        cells = self.memory(self.cells, places, batch["grid_mask"])  # (B, R, D)
        text = masked_mean(words, batch["text_mask"])  # (B, D)
        image = masked_mean(cells, batch["grid_mask"])  # (B, D)
        word_keys, cell_keys = self.attention.key(words), self.attention.key(cells)
        for _ in range(self.hops):
            seen, over_words = self.attention.ask(words, word_keys, image, batch["text_mask"])
            text = self.update(text) + seen
            seen, over_cells = self.attention.ask(cells, cell_keys, text, batch["grid_mask"])
            image = self.update(image) + seen
        fused = torch.cat([text, image], dim=-1)
        return PairOutput(
            logits=self.classifier(self.dropout(fused)),
            image=image,
            text=text,
            fused=fused,
            attention={"words": over_words, "cells": over_cells},
        )

    def memory(self, projection: nn.Module, rows: Tensor, mask: Tensor) -> Tensor:
        """Frozen features [T, d] of words or cells as a memory [B, N, D] under mask [B, N]."""
        return unpack(self.dropout(projection(rows)), mask)
