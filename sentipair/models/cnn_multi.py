"""CNN-Multi: a net for the text, a net for the picture, and a third net on what the two have learned.

Cai & Xia, "Convolutional Neural Networks for Multimedia Sentiment Analysis", NLPCC 2015,
https://doi.org/10.1007/978-3-319-25207-0_14. No authors' code. Grade C: known from later papers' descriptions; sizes
are our reconstruction.

Differences from the paper: token states of the text encoder in place of trained word vectors; one vector of a frozen
image network in place of a convolutional network trained on the pictures. The paper trains three nets one after the
other. Here all three learn at once but along the same lines: the two nets from their own cross-entropies (objective
``cross-entropy`` with ``unimodal_weight: 1``), the third from their features, from which no gradient flows back. A post
with one modality only is answered by the net of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sentipair.features import FeatureSpec, ImageVector, PairBatch, TextLayers
from sentipair.models.base import PairModel, PairOutput, register
from sentipair.models.layers import Dropout, WordConvolution, answer
from sentipair.settings import Count, Rate


@register("cnn-multi")
class CNNMulti(PairModel):
    """Convolutional networks for multimedia sentiment analysis.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder.
        filters: of the text net, per width; there are three widths.
        hidden: of the third net's two layers.
        dropout: of the features and of the third net's hidden layers.
        input_dropout: of the frozen features.
    """

    title = "CNN-Multi"
    citation = (
        "Cai, G. and Xia, B. Convolutional Neural Networks for Multimedia Sentiment Analysis. NLPCC 2015. "
        "doi:10.1007/978-3-319-25207-0_14"
    )
    adapted = (
        "Reconstructed from secondary descriptions on frozen features (token states for word vectors, one vector per "
        "picture for a trained image network), its three stages trained at once with gradients kept apart."
    )

    def __init__(
        self,
        *,
        classes: Count = 3,
        text_dim: Count = 768,
        image_dim: Count = 2048,
        filters: Count = 100,
        hidden: Count = 128,
        dropout: Rate = 0.5,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        width = 3 * filters
        self.input_dropout, self.dropout = Dropout(input_dropout), Dropout(dropout)
        self.words = WordConvolution(text_dim, filters)
        self.picture = nn.Sequential(nn.LayerNorm(image_dim), nn.Linear(image_dim, width), nn.ReLU())
        self.text_head, self.image_head = nn.Linear(width, classes), nn.Linear(width, classes)
        first = [nn.Linear(2 * width, hidden), nn.ReLU(), Dropout(dropout)]
        second = [nn.Linear(hidden, hidden), nn.ReLU(), Dropout(dropout)]
        self.multi = nn.Sequential(*first, *second, nn.Linear(hidden, classes))

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer and one vector per picture."""
        return [TextLayers(last=1), ImageVector()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs."""
        words = self.input_dropout(batch.rows("text")[:, -1])  # (T, d)
        text: Tensor = self.dropout(self.words(words, batch["text_mask"]))  # (B, 3·filters)
        image: Tensor = self.dropout(self.picture(self.input_dropout(batch["image"])))  # (B, 3·filters)
        fused = torch.cat([text, image], dim=-1).detach()
        unimodal = {"text": self.text_head(text), "image": self.image_head(image)}
        # the nets learn from their own cross-entropies alone
        settled = {name: logits.detach() for name, logits in unimodal.items()}
        return PairOutput(
            logits=answer(batch, self.multi(fused), settled),
            image=image,
            text=text,
            fused=fused,
            unimodal=unimodal,
        )
