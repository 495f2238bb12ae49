"""The majority class: the floor under every accuracy. It knows how often each class occurs and looks at no post.

No paper; why a new classifier is to be compared with it: Holte, "Very Simple Classification Rules Perform Well on Most
Commonly Used Datasets", Machine Learning 11, 1993, https://doi.org/10.1023/A:1022631118932.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from sentipair.features import FeatureSpec, PairBatch
from sentipair.models.base import PairModel, PairOutput, register
from sentipair.settings import Count


@register("majority")
class Majority(PairModel):
    """One learned bias per class; trained with cross-entropy, its softmax is the share of each class.

    Args:
        classes: number of classes K.
    """

    title = "Majority class"
    citation = (
        "Holte, R. C. Very Simple Classification Rules Perform Well on Most Commonly Used Datasets. "
        "Machine Learning 11, 1993. doi:10.1023/A:1022631118932"
    )

    def __init__(self, *, classes: Count = 3) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(classes))

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """Nothing."""
        return []

    def forward(self, batch: PairBatch) -> PairOutput:
        """The same scores for each of B pairs."""
        return PairOutput(logits=self.bias.expand(len(batch), -1))
