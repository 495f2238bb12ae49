"""TFN: every product of a text and an image dimension.

Zadeh, Chen, Poria, Cambria & Morency, "Tensor Fusion Network for Multimodal Sentiment Analysis", EMNLP 2017,
https://doi.org/10.18653/v1/D17-1115. Code read (grade A): https://github.com/Justin1904/TensorFusionNetworks.

Differences from the paper: two modalities (there is no sound) and a softmax over classes instead of a score from −3 to
3; token states of the text encoder in place of GloVe vectors. Differences from that code: layer instead of batch
normalisation, so that nothing depends on batch mates; the LSTM stops at the last word of a text.
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


def tensor_fusion(text: Tensor, image: Tensor) -> Tensor:
    """The outer product of [1; text] and [1; image] of vectors [B, D] → [B, (D + 1)²]: 1, both parts, all products."""
    with_one = (functional.pad(each, (1, 0), value=1.0) for each in (text, image))
    return torch.einsum("bi,bj->bij", *with_one).flatten(1)


@register("tfn")
class TFN(PairModel):
    """Tensor fusion network.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder.
        dim: D, of each modality's embedding.
        lstm: width of the text's LSTM.
        hidden: of the classifier's two layers.
        dropout: inside the two subnetworks and of the tensor.
        input_dropout: of the token states, 0 in the released code.
    """

    title = "Tensor Fusion Network"
    citation = (
        "Zadeh, A., Chen, M., Poria, S., Cambria, E. and Morency, L.-P. Tensor Fusion Network for Multimodal Sentiment "
        "Analysis. EMNLP 2017. doi:10.18653/v1/D17-1115"
    )
    adapted = (
        "Made for video: here without sound, with a softmax over classes and with token states of the text encoder in "
        "place of GloVe vectors."
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
        dim: Count = 32,
        lstm: Count = 128,
        hidden: Count = 128,
        dropout: Rate = 0.3,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.input_dropout = Dropout(input_dropout)
        self.embed_text = SequenceSubnetwork(text_dim, hidden=lstm, output_size=dim, dropout=dropout)
        self.embed_image = VectorSubnetwork(image_dim, output_size=dim, dropout=dropout)
        first = [Dropout(dropout), nn.Linear((dim + 1) ** 2, hidden), nn.ReLU()]
        second = [nn.Linear(hidden, hidden), nn.ReLU()]
        self.classifier = nn.Sequential(*first, *second, nn.Linear(hidden, classes))

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer and one vector per picture."""
        return [TextLayers(last=1), ImageVector()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs."""
        words = frozen_rows(batch, "text", self.input_dropout)[:, -1]  # (T, d)
        text = self.embed_text(words, batch["text_mask"])  # (B, D)
        image = self.embed_image(batch["image"])  # (B, D)
        fused = tensor_fusion(text, image)
        return PairOutput(logits=self.classifier(fused), image=image, text=text, fused=fused)
