"""DNN-LR: logistic regression on the class probabilities of a text net and an image net.

Yu, Lin, Meng & Zhao, "Visual and Textual Sentiment Analysis of a Microblog Using Deep Convolutional Neural Networks",
Algorithms 9(2):41, 2016, https://doi.org/10.3390/a9020041. No authors' code. Grade C: known from later papers'
descriptions; sizes are our reconstruction.

Differences from the paper:

* token states of the text encoder in place of word vectors, and one vector of a frozen image network with a hidden
  layer in place of an image network trained on weakly labelled pictures;
* the regression belongs to the same training. The nets learn from their own cross-entropies (objective
  ``cross-entropy`` with ``unimodal_weight: 1``), the regression from their probabilities, from which no gradient flows
  back. These are probabilities of the *training* posts, surer than those of posts the nets have not seen; a regression
  fitted on held-out probabilities would learn how far to trust each net. Dropout, active while it learns, and weight
  decay make up for part of that;
* a post with one modality only is answered by the net of that.
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

STEEPNESS = 3.0
"""The regression starts at this multiple of the sum of both probabilities: two sure nets give a sure answer."""


@register("dnn-lr")
class DNNLR(PairModel):
    """Deep networks for text and picture, logistic regression on their probabilities.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder.
        filters: of the text net, per width; there are three widths.
        hidden: of the image net.
        dropout: before each net's last layer.
        input_dropout: of the frozen features.
    """

    title = "DNN-LR"
    citation = (
        "Yu, Y., Lin, H., Meng, J. and Zhao, Z. Visual and Textual Sentiment Analysis of a Microblog Using Deep "
        "Convolutional Neural Networks. Algorithms 9(2):41, 2016. doi:10.3390/a9020041"
    )
    adapted = (
        "Reconstructed from secondary descriptions on frozen features, its logistic regression learning together with "
        "the nets from their probabilities of training posts instead of held-out ones."
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
        self.input_dropout = Dropout(input_dropout)
        self.words = WordConvolution(text_dim, filters)
        self.text_head = nn.Sequential(Dropout(dropout), nn.Linear(3 * filters, classes))
        self.picture = nn.Sequential(nn.LayerNorm(image_dim), nn.Linear(image_dim, hidden), nn.ReLU())
        self.image_head = nn.Sequential(Dropout(dropout), nn.Linear(hidden, classes))
        self.regression = nn.Linear(2 * classes, classes)
        with torch.no_grad():
            self.regression.weight.copy_(STEEPNESS * torch.eye(classes).repeat(1, 2))

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer and one vector per picture."""
        return [TextLayers(last=1), ImageVector()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs."""
        words = self.input_dropout(batch.rows("text")[:, -1])  # (T, d)
        text: Tensor = self.text_head(self.words(words, batch["text_mask"]))  # (B, K)
        image: Tensor = self.image_head(self.picture(self.input_dropout(batch["image"])))  # (B, K)
        # the nets learn from their own cross-entropies alone
        settled = {"text": text.detach(), "image": image.detach()}
        probabilities = torch.cat([each.softmax(-1) for each in settled.values()], dim=-1)  # (B, 2K)
        return PairOutput(
            logits=answer(batch, self.regression(probabilities), settled),
            fused=probabilities,
            unimodal={"text": text, "image": image},
        )
