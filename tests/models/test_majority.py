"""The majority class: the log of the classes' shares, for any post."""

from __future__ import annotations

from typing import Any

import torch

from sentipair.features import PairBatch
from sentipair.models import Majority
from sentipair.objectives import CrossEntropy

from .cases import ModelCase


class TestMajority(ModelCase):
    model = Majority

    def test_learns_a_batch_by_heart(self, variant: Any) -> None:
        """It cannot; what it learns is how often each class occurs."""
        model = self.build(variant)
        labels = torch.tensor([0, 0, 0, 0, 0, 1, 1, 2])
        batch = PairBatch(ids=tuple("abcdefgh"), labels=labels, features={})
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0)
        for _ in range(200):
            CrossEntropy().step(model, batch, optimizer)
        shares = model(batch).logits.softmax(-1)
        torch.testing.assert_close(shares, torch.tensor([[5, 2, 1]]).expand(8, -1) / 8, rtol=0, atol=1e-3)
