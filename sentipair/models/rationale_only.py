"""The rationales alone: a control that shows how much of a system's score the large multimodal model has given away.

No paper; a linear classifier on the mean token states of the rationales, beside MPT (Ma, Xu, Li & Fu, CIKM 2025,
https://doi.org/10.1145/3746252.3761328). A rationale often states its writer's own verdict. A system that reads text,
picture and rationales should be well above this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from torch import nn

from sentipair.data.pair import SENTIMENT
from sentipair.features import FeatureSpec, PairBatch
from sentipair.models.base import PairModel, PairOutput, register
from sentipair.models.layers import Dropout
from sentipair.models.rationales import join_rationales, rationale_layers
from sentipair.settings import Count, Rate


@register("rationale-only")
class RationaleOnly(PairModel):
    """One linear map of all rationales side by side; an absent one is a vector of zeros.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        polarities: what rationales are read for, at least one.
        dropout: of the rationales.
    """

    title = "Linear classifier on the rationales alone"
    citation = (
        "Control beside: Ma, Xu, Li and Fu. Multimodal Sentiment Analysis with Multi-Perspective Thinking via Large "
        "Multimodal Models. CIKM 2025. doi:10.1145/3746252.3761328"
    )

    def __init__(
        self,
        *,
        classes: Count = 3,
        text_dim: Count = 768,
        polarities: Annotated[tuple[str, ...], Field(min_length=1)] = SENTIMENT,
        dropout: Rate = 0.5,
    ) -> None:
        super().__init__()
        self.polarities = tuple(polarities)
        self.dropout = Dropout(dropout)
        self.classifier = nn.Linear(len(self.polarities) * text_dim, classes)

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last layer of every rationale."""
        return rationale_layers(self.polarities)

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs by their rationales."""
        rationales, _ = join_rationales(batch, self.polarities)
        return PairOutput(logits=self.classifier(self.dropout(rationales)), fused=rationales)
