"""LMF: tensor fusion whose weights are a sum of a few products, so that the tensor is never built.

Liu, Shen, Lakshminarasimhan, Liang, Zadeh & Morency, "Efficient Low-rank Multimodal Fusion with Modality-Specific
Factors", ACL 2018, https://doi.org/10.18653/v1/P18-1209. Authors' code:
https://github.com/Justin1904/Low-rank-Multimodal-Fusion. Grade A: code read.

Differences from the paper: two modalities (there is no sound); token states of the text encoder in place of GloVe
vectors. Differences from that code: layer instead of batch normalisation, so that nothing depends on batch mates; the
LSTM stops at the last word of a text; one learning rate for all parameters; no dropout after the fusion, which that
code declares and never applies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from sentipair.features import FeatureSpec, ImageVector, PairBatch, TextLayers
from sentipair.models.base import PairModel, PairOutput, Range, register
from sentipair.models.layers import Dropout, SequenceSubnetwork, VectorSubnetwork, frozen_rows
from sentipair.settings import Count, Rate


class LowRankFusion(nn.Module):
    """A linear map of the outer product of [1; text] and [1; image], its weights of rank r (equation 6).

    Args:
        dim: D of each vector.
        rank: r.
        output_size: of the result.
    """

    def __init__(self, dim: int, *, rank: int, output_size: int) -> None:
        super().__init__()
        self.text, self.image = (nn.Parameter(torch.empty(rank, dim + 1, output_size)) for _ in range(2))
        self.weights = nn.Parameter(torch.empty(1, rank))
        self.bias = nn.Parameter(torch.zeros(output_size))
        for factor in (self.text, self.image, self.weights):
            nn.init.xavier_normal_(factor)

    def forward(self, text: Tensor, image: Tensor) -> Tensor:
        """Vectors [B, D] and [B, D] → [B, output_size]."""
        by_text, by_image = (
            torch.einsum("bi,rio->bro", functional.pad(vector, (1, 0), value=1.0), factor)
            for vector, factor in ((text, self.text), (image, self.image))
        )
        return torch.einsum("r,bro->bo", self.weights[0], by_text * by_image) + self.bias


@register("lmf")
class LMF(PairModel):
    """Low-rank multimodal fusion.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder.
        dim: D, of each modality's embedding.
        lstm: width of the text's LSTM.
        rank: r of the fusion's weights.
        dropout: inside the two subnetworks.
        input_dropout: of the token states, 0 in the released code.
    """

    title = "Low-rank Multimodal Fusion"
    citation = (
        "Liu, Z., Shen, Y., Lakshminarasimhan, V. B., Liang, P. P., Zadeh, A. and Morency, L.-P. Efficient Low-rank "
        "Multimodal Fusion with Modality-Specific Factors. ACL 2018. doi:10.18653/v1/P18-1209"
    )
    adapted = "Made for video: here without sound and with token states of the text encoder in place of GloVe vectors."
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
        dim: Count = 32,
        lstm: Count = 128,
        rank: Count = 4,
        dropout: Rate = 0.3,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.input_dropout = Dropout(input_dropout)
        self.embed_text = SequenceSubnetwork(text_dim, hidden=lstm, output_size=dim, dropout=dropout)
        self.embed_image = VectorSubnetwork(image_dim, output_size=dim, dropout=dropout)
        self.fusion = LowRankFusion(dim, rank=rank, output_size=classes)

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer and one vector per picture."""
        return [TextLayers(last=1), ImageVector()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs."""
        words = frozen_rows(batch, "text", self.input_dropout)[:, -1]  # (T, d)
        text = self.embed_text(words, batch["text_mask"])  # (B, D)
        image = self.embed_image(batch["image"])  # (B, D)
        return PairOutput(logits=self.fusion(text, image), image=image, text=text)
