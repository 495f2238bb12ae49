"""TextCNN: filters over runs of three, four and five words, and the strongest answer of each.

Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014, https://doi.org/10.3115/v1/D14-1181.
Grade B: from the paper.

Differences from the paper: token states of the frozen text encoder in place of fine-tuned word2vec vectors; AdamW in
place of Adadelta; a row of the classifier whose norm exceeds 3 is scaled down where it is used, not after each update.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import nn
from torch.nn import functional

from sentipair.features import FeatureSpec, PairBatch, TextLayers
from sentipair.models.base import PairModel, PairOutput, Range, register
from sentipair.models.layers import Dropout, WordConvolution, frozen_rows
from sentipair.settings import Count, Positive, Rate


@register("text-cnn")
class TextCNN(PairModel):
    """Convolutional neural network for sentences.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        filters: per width; there are three widths.
        max_norm: largest norm of a row of the classifier.
        dropout: of what the filters found.
        input_dropout: of the frozen features, 0 in the paper.
    """

    title = "TextCNN"
    citation = "Kim, Y. Convolutional Neural Networks for Sentence Classification. EMNLP 2014. doi:10.3115/v1/D14-1181"
    adapted = "Token states of the text encoder in place of fine-tuned word vectors."
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
        filters: Count = 100,
        max_norm: Positive = 3.0,
        dropout: Rate = 0.5,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.max_norm = max_norm
        self.input_dropout, self.dropout = Dropout(input_dropout), Dropout(dropout)
        self.words = WordConvolution(text_dim, filters)
        self.classifier = nn.Linear(3 * filters, classes)

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer."""
        return [TextLayers(last=1)]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs by their texts."""
        words = frozen_rows(batch, "text", self.input_dropout)[:, -1]  # (T, d)
        text = self.words(words, batch["text_mask"])  # (B, 3·filters)
        weight = self.classifier.weight.renorm(p=2, dim=0, maxnorm=self.max_norm)
        logits = functional.linear(self.dropout(text), weight, self.classifier.bias)
        return PairOutput(logits=logits, text=text)
