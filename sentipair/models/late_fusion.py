"""Late fusion: one small network per modality on pooled features, joined just before the classifier. A fair opponent.

Not a published system but what any of them must beat: the scheme of Snoek, Worring & Smeulders, "Early versus Late
Fusion in Semantic Video Analysis", ACM Multimedia 2005, https://doi.org/10.1145/1101149.1101236, with a classifier per
modality beside the common one, as in Wang, Tran & Feiszli, "What Makes Training Multi-modal Classification Networks
Hard?", CVPR 2020, arXiv:1905.12681. They keep the stronger modality from being all that is learned.

The classifiers per modality learn only with the objective's ``unimodal_weight`` above 0; with ``own_labels``, as in the
recipe, what the text and the picture are each by itself, where the data tell. Posts with one modality only are answered
by them. An absent picture or an empty text enters its branch as a vector of zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sentipair.features import FeatureSpec, ImageGrid, PairBatch, TextLayers, standardise
from sentipair.models.base import PairModel, PairOutput, Range, register
from sentipair.models.layers import Dropout, answer, masked_mean
from sentipair.settings import Count, Rate


@register("late-fusion")
class LateFusion(PairModel):
    """Two regularised branches on pooled features, three linear classifiers.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder's grid.
        text_layers: how many of the last text layers are read, each pooled by itself.
        dim: width of a branch.
        dropout: of what a branch has learned.
        input_dropout: of the pooled features.
    """

    title = "Late fusion of pooled features"
    citation = (
        "Snoek, C. G. M., Worring, M. and Smeulders, A. W. M. Early versus Late Fusion in Semantic Video Analysis. "
        "ACM Multimedia 2005. doi:10.1145/1101149.1101236"
    )
    search_space: ClassVar[Mapping[str, Range]] = {
        "model.dropout": Range(0.0, 0.7),
        "model.input_dropout": Range(0.0, 0.7),
        "objective.unimodal_weight": Range(0.1, 1.0),
        "training.learning_rate": Range(1e-4, 3e-3, log=True),
        "training.weight_decay": Range(1e-3, 1.0, log=True),
    }

    def __init__(
        self,
        *,
        classes: Count = 3,
        text_dim: Count = 768,
        image_dim: Count = 2048,
        text_layers: Count = 4,
        dim: Count = 128,
        dropout: Rate = 0.5,
        input_dropout: Rate = 0.5,
    ) -> None:
        super().__init__()
        self.text_layers = text_layers

        def branch(width: int) -> nn.Sequential:
            return nn.Sequential(Dropout(input_dropout), nn.Linear(width, dim), nn.ReLU(), Dropout(dropout))

        self.read_text, self.read_image = branch(text_layers * text_dim), branch(image_dim)
        self.text_head, self.image_head = nn.Linear(dim, classes), nn.Linear(dim, classes)
        self.classifier = nn.Linear(2 * dim, classes)

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layers and the image grid."""
        return [TextLayers(last=self.text_layers), ImageGrid()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs."""
        layers = masked_mean(batch["text"].float().flatten(2), batch["text_mask"])  # (B, L·d)
        cells = masked_mean(batch["grid"].float(), batch["grid_mask"])  # (B, d_image)
        text: Tensor = self.read_text(standardise(layers.unflatten(1, (self.text_layers, -1))).flatten(1))
        image: Tensor = self.read_image(standardise(cells))  # (B, D), as text
        fused = torch.cat([text, image], dim=-1)
        unimodal = {"text": self.text_head(text), "image": self.image_head(image)}
        return PairOutput(
            logits=answer(batch, self.classifier(fused), unimodal),
            image=image,
            text=text,
            fused=fused,
            unimodal=unimodal,
        )
