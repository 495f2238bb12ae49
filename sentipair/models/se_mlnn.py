"""Se-MLNN: one small layer per modality on frozen vectors, and a linear classifier on both.

Cheema, Hakimov, Müller-Budack & Ewerth, "A Fair and Comprehensive Comparison of Multimodal Tweet Sentiment Analysis
Methods", MMPT at ICMR 2021, https://doi.org/10.1145/3463945.3469058, arXiv:2106.08829. Authors' code:
https://github.com/cleopatra-itn/fair_multimodal_sentiment. Grade A: code read.

Differences from the paper and the released code: one image vector, from the run's image encoder, where the paper
compares and combines several (objects, scenes, emotions, CLIP); layer instead of batch normalisation; AdamW with a
cosine schedule in place of Adam with a learning rate that falls when the validation loss does not; no ekphrasis for the
texts. The paper's numbers are means over ten folds of its own, not of one split.
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


@register("se-mlnn")
class SeMLNN(PairModel):
    """Multi-layer network on one vector per modality; a text's is the mean token of its last four layers' sum.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder.
        dim: width per modality.
        dropout: of the layers' output.
    """

    title = "Se-MLNN"
    citation = (
        "Cheema, G. S., Hakimov, S., Müller-Budack, E. and Ewerth, R. A Fair and Comprehensive Comparison of "
        "Multimodal Tweet Sentiment Analysis Methods. MMPT at ICMR 2021. doi:10.1145/3463945.3469058"
    )
    adapted = (
        "One image vector from the run's encoder in place of several, layer instead of batch normalisation."
    )
    search_space: ClassVar[Mapping[str, Range]] = {
        "model.dropout": Range(0.0, 0.7),
        "training.learning_rate": Range(1e-5, 3e-3, log=True),
        "training.weight_decay": Range(1e-3, 1.0, log=True),
    }

    def __init__(
        self,
        *,
        classes: Count = 3,
        text_dim: Count = 768,
        image_dim: Count = 2048,
        dim: Count = 128,
        dropout: Rate = 0.5,
    ) -> None:
        super().__init__()

        def layer(width: int) -> nn.Sequential:
            return nn.Sequential(nn.Linear(width, dim), nn.LayerNorm(dim), nn.ReLU(), Dropout(dropout))

        self.text, self.image = layer(text_dim), layer(image_dim)
        self.classifier = nn.Linear(2 * dim, classes)

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last four text layers and one vector per picture."""
        return [TextLayers(last=4), ImageVector()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs."""
        summed = batch["text"].float().sum(dim=2)  # (B, N, d)
        text: Tensor = self.text(masked_mean(summed, batch["text_mask"]))  # (B, D)
        image: Tensor = self.image(batch["image"])  # (B, D)
        fused = torch.cat([text, image], dim=-1)
        return PairOutput(logits=self.classifier(fused), image=image, text=text, fused=fused)
