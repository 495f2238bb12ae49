"""Att-BiLSTM: a bidirectional LSTM whose states are weighed by one learned question.

Zhou, Shi, Tian, Qi, Li, Hao & Xu, "Attention-Based Bidirectional Long Short-Term Memory Networks for Relation
Classification", ACL 2016, https://doi.org/10.18653/v1/P16-2034. Grade B: from the paper.

Differences from the paper: token states of the frozen text encoder in place of trained word vectors; no bias in the
recurrence; AdamW in place of Adadelta. Padding takes no part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import nn

from sentipair.features import FeatureSpec, PairBatch, TextLayers
from sentipair.models.base import PairModel, PairOutput, Range, register
from sentipair.models.layers import Dropout, frozen_rows, masked_softmax, unpack
from sentipair.models.recurrence import BiLSTM
from sentipair.settings import Count, Rate


@register("att-bilstm")
class AttBiLSTM(PairModel):
    """Attention-based bidirectional LSTM.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        hidden: of the LSTM; its directions are summed (equation 8).
        dropout: of what the classifier sees.
        lstm_dropout: of the LSTM's states.
        input_dropout: of the frozen features; of the word vectors in the paper.
    """

    title = "Att-BiLSTM"
    citation = (
        "Zhou, P., Shi, W., Tian, J., Qi, Z., Li, B., Hao, H. and Xu, B. Attention-Based Bidirectional Long Short-Term "
        "Memory Networks for Relation Classification. ACL 2016. doi:10.18653/v1/P16-2034"
    )
    adapted = "Token states of the text encoder in place of trained word vectors."
    search_space: ClassVar[Mapping[str, Range]] = {
        "model.dropout": Range(0.0, 0.7),
        "model.lstm_dropout": Range(0.0, 0.7),
        "model.input_dropout": Range(0.0, 0.5),
        "training.learning_rate": Range(1e-4, 3e-3, log=True),
        "training.weight_decay": Range(1e-3, 1.0, log=True),
    }

    def __init__(
        self,
        *,
        classes: Count = 3,
        text_dim: Count = 768,
        hidden: Count = 100,
        dropout: Rate = 0.5,
        lstm_dropout: Rate = 0.3,
        input_dropout: Rate = 0.3,
    ) -> None:
        super().__init__()
        self.input_dropout, self.lstm_dropout = Dropout(input_dropout), Dropout(lstm_dropout)
        self.bilstm = BiLSTM(text_dim, hidden)
        self.question = nn.Linear(hidden, 1, bias=False)
        self.classifier = nn.Sequential(Dropout(dropout), nn.Linear(hidden, classes))

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer."""
        return [TextLayers(last=1)]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs by their texts (equations 9 to 12)."""
        mask = batch["text_mask"]
        words = frozen_rows(batch, "text", self.input_dropout)[:, -1]  # (T, d)
        both = self.bilstm(words, mask.sum(dim=1)).unflatten(-1, (2, -1))  # (T, 2, h)
        states = unpack(self.lstm_dropout(both.sum(dim=1)), mask)  # (B, N, h)
        weights = masked_softmax(self.question(torch.tanh(states)).squeeze(-1), mask)  # (B, N)
        text = torch.tanh(torch.einsum("bn,bnh->bh", weights, states))
        return PairOutput(logits=self.classifier(text), text=text, attention={"words": weights})
