"""A linear head on the image encoder alone: the rows "ResNet-50" and "ViT" of many tables; the encoder decides which.

He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
https://doi.org/10.1109/CVPR.2016.90; Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image
Recognition at Scale", ICLR 2021, arXiv:2010.11929. Grade B: from the papers and the tables that have the rows.

Differences from the papers: the encoder is frozen and sees every picture in one way, without crops and flips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import nn

from sentipair.features import FeatureSpec, ImageVector, PairBatch
from sentipair.models.base import PairModel, PairOutput, Range, register
from sentipair.models.layers import Dropout
from sentipair.settings import Count, Rate


@register("image-head")
class ImageHead(PairModel):
    """One linear map of the picture's vector: the mean of a ResNet's cells, or the [CLS] of a ViT.

    Args:
        classes: number of classes K.
        image_dim: channels of the image encoder.
        dropout: of the vector, 0 in the papers.
    """

    title = "Image head (ResNet, ViT)"
    citation = (
        "He, K., Zhang, X., Ren, S. and Sun, J. Deep Residual Learning for Image Recognition. CVPR 2016. "
        "doi:10.1109/CVPR.2016.90. Dosovitskiy, A. et al. An Image is Worth 16x16 Words: Transformers for Image "
        "Recognition at Scale. ICLR 2021. arXiv:2010.11929"
    )
    adapted = "The image encoder is frozen where the rows of the tables fine-tune it."
    search_space: ClassVar[Mapping[str, Range]] = {
        "model.dropout": Range(0.0, 0.7),
        "training.learning_rate": Range(1e-4, 3e-3, log=True),
        "training.weight_decay": Range(1e-3, 1.0, log=True),
    }

    def __init__(self, *, classes: Count = 3, image_dim: Count = 2048, dropout: Rate = 0.0) -> None:
        super().__init__()
        self.classifier = nn.Sequential(Dropout(dropout), nn.Linear(image_dim, classes))

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """One vector per picture."""
        return [ImageVector()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs by their pictures."""
        image = batch["image"]  # (B, d)
        return PairOutput(logits=self.classifier(image), image=image)
