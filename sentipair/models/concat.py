"""Concat(2) and Concat(3): what text, picture and, with three, its attribute words say, side by side.

The idea: Schifanella, de Juan, Tetreault & Cao, "Detecting Sarcasm in Multimodal Social Platforms", ACM Multimedia
2016, https://doi.org/10.1145/2964284.2964321. The rows: Cai, Cai & Wan, "Multi-Modal Sarcasm Detection in Twitter with
Hierarchical Fusion Model", ACL 2019, https://doi.org/10.18653/v1/P19-1239. Grade C: the rows are named there but not
described in full; sizes are our reconstruction.

Differences from the paper: token states of the frozen text encoder in place of word and attribute vectors; the image
encoder's mean cell (a ViT's [CLS]) in place of ResNet-50's 14×14 regions; no bias in the recurrence; one output per
class and plain cross-entropy in place of a weighted binary one. A missing part is a vector of zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sentipair.features import FeatureSpec, ImageVector, PairBatch, TextLayers
from sentipair.models.base import PairModel, PairOutput, Range, register
from sentipair.models.layers import Dropout, masked_mean, unpack
from sentipair.models.recurrence import BiLSTM
from sentipair.settings import Count, Rate


@register("concat")
class Concat(PairModel):
    """Concatenation of one vector per modality, a hidden layer, a classifier.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder.
        attributes: whether the words that name what is in the picture take part: Concat(3).
        hidden: of the BiLSTM per direction.
        image_hidden: of the picture's vector.
        dim: of the layer before the classifier.
        dropout: of the concatenation and of that layer.
        input_dropout: of the frozen features.
    """

    title = "Concat"
    citation = (
        "Schifanella, R., de Juan, P., Tetreault, J. and Cao, L. Detecting Sarcasm in Multimodal Social Platforms. "
        "ACM Multimedia 2016. doi:10.1145/2964284.2964321"
    )
    adapted = (
        "Token states of the text encoder in place of word and attribute vectors; sizes are a reconstruction."
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
        attributes: bool = False,
        hidden: Count = 256,
        image_hidden: Count = 1024,
        dim: Count = 512,
        dropout: Rate = 0.2,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.attributes = attributes
        self.input_dropout = Dropout(input_dropout)
        self.bilstm = BiLSTM(text_dim, hidden)
        self.picture = nn.Sequential(nn.Linear(image_dim, image_hidden), nn.ReLU())
        seen = 2 * hidden + image_hidden + attributes * text_dim
        self.fuse = nn.Sequential(Dropout(dropout), nn.Linear(seen, dim), nn.ReLU())
        self.classifier = nn.Sequential(Dropout(dropout), nn.Linear(dim, classes))

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer, one vector per picture and, for Concat(3), its attribute words."""
        words = [TextLayers(last=1, of="attributes")] if self.attributes else []
        return [TextLayers(last=1), ImageVector(), *words]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs."""
        parts = [self.read_text(batch), self.picture(self.input_dropout(batch["image"]))]
        if self.attributes:
            words = self.input_dropout(batch["attributes"][:, :, -1].float())  # (B, N, d)
            parts.append(masked_mean(words, batch["attributes_mask"]))
        fused = self.fuse(torch.cat(parts, dim=-1))
        return PairOutput(logits=self.classifier(fused), fused=fused)

    def read_text(self, batch: PairBatch) -> Tensor:
        """The last state of each direction, [B, 2h]: at the end of a text, and at its beginning."""
        mask = batch["text_mask"]
        lengths = mask.sum(dim=1)
        words = self.input_dropout(batch.rows("text")[:, -1])  # (T, d)
        forwards, backwards = unpack(self.bilstm(words, lengths), mask).chunk(2, dim=-1)  # (B, N, h)
        ends = (lengths - 1).clamp(min=0)
        return torch.cat([forwards[torch.arange(ends.shape[0]), ends], backwards[:, 0]], dim=-1)
