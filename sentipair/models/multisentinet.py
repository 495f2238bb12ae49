"""MultiSentiNet: the picture decides which words of the text count.

Xu & Mao, "MultiSentiNet: A Deep Semantic Network for Multimodal Sentiment Analysis", CIKM 2017,
https://doi.org/10.1145/3132847.3133142. Authors' code: https://github.com/xunan0812/MultiSentiNet. Grade A: code read.

Differences from the paper: token states of the text encoder in place of GloVe vectors; one vector of the image encoder
as the object vector, and no scene vector, for which a network trained on Places would be needed.

Differences from the released code: its loader of GloVe reads the wrong columns, so its word vectors start at zero, and
its texts are padded in front to 140 positions that take part in the attention; here the attention is masked. An absent
picture is a vector of zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sentipair.features import FeatureSpec, ImageVector, PairBatch, TextLayers, standardise
from sentipair.models.base import PairModel, PairOutput, Range, register
from sentipair.models.layers import AdditiveAttention, Dropout, frozen_rows, unpack
from sentipair.settings import Count, Rate


@register("multisentinet")
class MultiSentiNet(PairModel):
    """A deep semantic network with attention over words, guided by the picture.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder.
        hidden: of the LSTM, the object layer, the attention and the last layer.
        dropout: of the embeddings and the last layer; 0 in the released code.
        input_dropout: of the frozen features; 0 in the released code.
    """

    title = "MultiSentiNet"
    citation = (
        "Xu, N. and Mao, W. MultiSentiNet: A Deep Semantic Network for Multimodal Sentiment Analysis. CIKM 2017. "
        "doi:10.1145/3132847.3133142"
    )
    adapted = (
        "Token states of the text encoder in place of GloVe vectors, the image encoder's vector in place of VGG's "
        "object vector, and no scene vector."
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
        hidden: Count = 128,
        dropout: Rate = 0.0,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.input_dropout, self.dropout = Dropout(input_dropout), Dropout(dropout)
        self.lstm = nn.LSTM(text_dim, hidden, batch_first=True)
        self.object = nn.Sequential(nn.Linear(image_dim, hidden), nn.ReLU())
        self.attention = AdditiveAttention(hidden, hidden, hidden)
        self.classifier = nn.Sequential(
            nn.Linear(2 * hidden, hidden), nn.ReLU(), Dropout(dropout), nn.Linear(hidden, classes)
        )

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer and one vector per picture."""
        return [TextLayers(last=1), ImageVector()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs."""
        mask = batch["text_mask"]
        words = frozen_rows(batch, "text", self.input_dropout)[:, -1]  # (T, d)
        states, _ = self.lstm(unpack(words, mask))  # (B, N, h); those of the padding are masked below
        image: Tensor = self.object(self.input_dropout(standardise(batch["image"])))  # (B, h)
        text, weights = self.attention(states, image, mask)  # (B, h), (B, N)
        fused = torch.cat([text, image], dim=-1)
        return PairOutput(
            logits=self.classifier(self.dropout(fused)),
            image=image,
            text=text,
            fused=fused,
            attention={"words": weights},
        )
