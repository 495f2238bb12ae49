"""The image head: a linear map of the picture's vector, and the bias where there is none."""

from __future__ import annotations

from typing import Any

import torch

from sentipair.models import ImageHead

from .cases import ModelCase, random_batch, take


class TestImageHead(ModelCase):
    model = ImageHead

    def test_learns_a_batch_by_heart(self, variant: Any) -> None:
        """One linear map of ten numbers, so it takes longer steps."""
        model = self.build(variant)
        batch = take(random_batch(model), [0, 4, 5, 6, 7])
        optimizer = torch.optim.AdamW(model.parameters(), lr=5e-2)
        losses = [self.objective.step(model, batch, optimizer)["loss"] for _ in range(25)]
        assert losses[-1] < 0.2 * losses[0]


def test_logits_are_a_linear_map() -> None:
    torch.manual_seed(0)
    model = ImageHead(classes=3, image_dim=10).eval()
    batch = random_batch(model)
    assert set(batch.features) == {"image", "image_present"}
    weight, bias = model.classifier[1].weight, model.classifier[1].bias
    for pair, logits in enumerate(model(batch).logits):
        expected = [sum(weight[k] * batch["image"][pair]) + bias[k] for k in range(3)]
        torch.testing.assert_close(logits, torch.stack(expected))
        if not batch["image_present"][pair]:
            assert torch.equal(logits, bias)
