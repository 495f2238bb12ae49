"""Logistic regression on pooled features."""

from __future__ import annotations

import numpy as np
import torch

from sentipair.models import LogisticRegression

from .cases import ModelCase, random_batch


class TestLogisticRegression(ModelCase):
    model = LogisticRegression


def test_logits_are_a_linear_map_of_standardised_means() -> None:
    model = LogisticRegression(classes=3, text_dim=12, image_dim=10).eval()
    batch = random_batch(model)
    logits = model(batch).logits.detach().numpy()
    weight, bias = (x.detach().double().numpy() for x in (model.linear.weight, model.linear.bias))
    for pair in range(len(batch)):
        count = int(batch["text_mask"][pair].sum())
        text = batch["text"][pair, :count, -1].double().numpy().mean(axis=0) if count else np.zeros(12)
        parts = [text, batch["image"][pair].double().numpy()]
        scaled = [(x - x.mean()) / np.sqrt(x.var() + 1e-5) for x in parts]
        np.testing.assert_allclose(logits[pair], weight @ np.concatenate(scaled) + bias, rtol=1e-4, atol=1e-5)


def test_a_pair_with_neither_part_gets_the_bias() -> None:
    model = LogisticRegression(classes=3, text_dim=12, image_dim=10).eval()
    output = model(random_batch(model))  # pair 3 has neither
    torch.testing.assert_close(output.logits[3], model.linear.bias)
