"""A head on the text encoder alone: the row "BERT" of many tables.

Devlin, Chang, Lee & Toutanova, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
NAACL 2019, https://doi.org/10.18653/v1/N19-1423. Authors' code: https://github.com/google-research/bert. Grade B: from
the paper.

Differences from the paper: the encoder is frozen, so the row needs its fine-tuning to be BERT's; the pooler is learned
from the start, because an encoder from elsewhere may have none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from sentipair.features import FeatureSpec, PairBatch, TextLayers
from sentipair.models.base import PairModel, PairOutput, Range, register
from sentipair.models.layers import Dropout
from sentipair.settings import Count, Rate


@register("text-head")
class TextHead(PairModel):
    """The last [CLS] state through BERT's pooler, dropout, and one linear map.

    Args:
        classes: number of classes K.
        text_dim: width d of the text encoder's states.
        dropout: of what the classifier sees.
        input_dropout: of the frozen features, 0 in the paper.
    """

    title = "Text head (BERT)"
    citation = (
        "Devlin, J., Chang, M.-W., Lee, K. and Toutanova, K. BERT: Pre-training of Deep Bidirectional Transformers for "
        "Language Understanding. NAACL 2019. doi:10.18653/v1/N19-1423"
    )
    adapted = "The text encoder is frozen where the paper fine-tunes it."
    search_space: ClassVar[Mapping[str, Range]] = {
        "model.dropout": Range(0.0, 0.7),
        "model.input_dropout": Range(0.0, 0.5),
        "training.learning_rate": Range(1e-4, 3e-3, log=True),
        "training.weight_decay": Range(1e-3, 1.0, log=True),
    }

    def __init__(
        self, *, classes: Count = 3, text_dim: Count = 768, dropout: Rate = 0.1, input_dropout: Rate = 0.0
    ) -> None:
        super().__init__()
        self.pooler = nn.Sequential(Dropout(input_dropout), nn.Linear(text_dim, text_dim), nn.Tanh())
        self.classifier = nn.Sequential(Dropout(dropout), nn.Linear(text_dim, classes))

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer."""
        return [TextLayers(last=1)]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs by their texts."""
        text: Tensor = self.pooler(batch["text_cls"][:, -1])  # (B, d)
        return PairOutput(logits=self.classifier(text), text=text)
