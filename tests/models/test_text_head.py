"""The text head: BERT's pooler on the top [CLS]."""

from __future__ import annotations

import numpy as np
import torch

from sentipair.models import TextHead

from .cases import ModelCase, random_batch


class TestTextHead(ModelCase):
    model = TextHead


def test_logits_are_those_of_the_pooled_cls() -> None:
    torch.manual_seed(0)
    model = TextHead(classes=3, text_dim=12).eval()
    batch = random_batch(model)
    p = {name: value.detach().double().numpy() for name, value in model.named_parameters()}
    for logits, cls in zip(model(batch).logits, batch["text_cls"].double().numpy(), strict=True):
        pooled = np.tanh(p["pooler.1.weight"] @ cls[-1] + p["pooler.1.bias"])
        expected = p["classifier.1.weight"] @ pooled + p["classifier.1.bias"]
        np.testing.assert_allclose(logits.detach(), expected, rtol=1e-4, atol=1e-5)


def test_it_asks_for_no_picture() -> None:
    batch = random_batch(TextHead(text_dim=12))
    assert set(batch.features) == {"text", "text_mask", "text_cls"}
