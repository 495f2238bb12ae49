"""GMU: a gate chooses, dimension by dimension, between picture and text.

Arevalo, Solorio, Montes-y-Gómez & González, "Gated Multimodal Units for Information Fusion", ICLR 2017 workshop,
https://arxiv.org/abs/1702.01992. Authors' code: https://github.com/johnarevalo/gmu-mmimdb. Grade A: code read.

Differences from the paper and the released code: layer instead of batch normalisation, so that nothing depends on batch
mates; softmax over the classes of a post instead of a sigmoid per film genre; the text is the mean of the encoder's
token states where theirs is the mean of word vectors; no bound on the norm of the weights (theirs in half of the
trials). As in that code, and unlike the paper's formula, the gate sees the projections and not the inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sentipair.features import FeatureSpec, ImageVector, PairBatch, TextLayers
from sentipair.models.base import PairModel, PairOutput, Range, register
from sentipair.models.layers import Dropout, masked_mean
from sentipair.settings import Count, Rate


class Maxout(nn.Module):
    """Per output the larger of two linear maps."""

    def __init__(self, input_size: int, output_size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(input_size, 2 * output_size)

    def forward(self, values: Tensor) -> Tensor:
        """[…, input_size] → […, output_size]."""
        first, second = self.linear(values).chunk(2, dim=-1)
        return torch.maximum(first, second)


@register("gmu")
class GMU(PairModel):
    """Gated multimodal unit.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder.
        dim: width D of the unit and of the classifier's two layers.
        dropout: of the inputs of every layer.
    """

    title = "Gated Multimodal Unit"
    citation = (
        "Arevalo, J., Solorio, T., Montes-y-Gómez, M. and González, F. A. Gated Multimodal Units for Information "
        "Fusion. ICLR 2017 workshop. arXiv:1702.01992"
    )
    adapted = (
        "Made for film genres; here with a softmax over the classes of a post, and the mean of the text encoder's "
        "token states in place of word vectors."
    )
    search_space: ClassVar[Mapping[str, Range]] = {
        "model.dropout": Range(0.3, 0.7),
        "training.learning_rate": Range(1e-4, 3e-3, log=True),
        "training.weight_decay": Range(1e-3, 1.0, log=True),
    }

    def __init__(
        self,
        *,
        classes: Count = 3,
        text_dim: Count = 768,
        image_dim: Count = 2048,
        dim: Count = 512,
        dropout: Rate = 0.5,
    ) -> None:
        super().__init__()

        def project(size: int) -> nn.Sequential:
            return nn.Sequential(nn.LayerNorm(size), Dropout(dropout), nn.Linear(size, dim, bias=False))

        self.project_text, self.project_image = project(text_dim), project(image_dim)
        self.gate = nn.Linear(2 * dim, dim, bias=False)
        first = [nn.LayerNorm(dim), Dropout(dropout), Maxout(dim, dim)]
        second = [nn.LayerNorm(dim), Dropout(dropout), Maxout(dim, dim)]
        self.classifier = nn.Sequential(*first, *second, nn.LayerNorm(dim), nn.Linear(dim, classes))

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer and one vector per picture."""
        return [TextLayers(last=1), ImageVector()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs; the attention is the share of the picture in every dimension."""
        text = self.project_text(masked_mean(batch["text"][:, :, -1].float(), batch["text_mask"]))  # (B, D)
        image = self.project_image(batch["image"])  # (B, D)
        share = torch.sigmoid(self.gate(torch.cat([image, text], dim=-1)))  # (B, D)
        image, text = torch.tanh(image), torch.tanh(text)
        fused = share * image + (1 - share) * text
        return PairOutput(
            logits=self.classifier(fused), image=image, text=text, fused=fused, attention={"gate": share}
        )
