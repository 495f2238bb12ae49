"""TextCNN: filters, maximum and the capped classifier in loops."""

from __future__ import annotations

import numpy as np
import torch

from sentipair.models import TextCNN

from .cases import ModelCase, random_batch, scaled


class TestTextCNN(ModelCase):
    model = TextCNN


def test_logits_are_those_of_the_strongest_runs_under_capped_rows() -> None:
    torch.manual_seed(0)
    model = TextCNN(classes=3, text_dim=12, filters=4, max_norm=2.0).eval()
    model.classifier.weight.data[0] *= 20  # one row above the cap
    batch = random_batch(model)
    logits = model(batch).logits.detach().numpy()
    taps = model.words.taps.weight.detach().double().numpy().reshape(3 + 4 + 5, 4, 12)
    bias = model.words.bias.detach().double().numpy().reshape(3, 4)
    weight = model.classifier.weight.detach().double().numpy()
    assert (np.linalg.norm(weight, axis=1) > 2).any()
    assert (np.linalg.norm(weight, axis=1) < 2).any()
    for row in weight:
        row *= min(1.0, 2 / np.linalg.norm(row))
    for pair in range(len(batch)):
        words = scaled(batch["text"][pair, :, -1][batch["text_mask"][pair]]).double().numpy()
        found = []
        for which, width in enumerate((3, 4, 5)):
            own = taps[sum((3, 4, 5)[:which]) :][:width]
            best = np.zeros(4)  # of an empty text, and of a ReLU
            for start in range(len(words)):
                run = words[start : start + width]
                answer = sum(own[i] @ word for i, word in enumerate(run)) + bias[which]
                best = np.maximum(best, answer)
            found.append(best)
        expected = weight @ np.concatenate(found) + model.classifier.bias.detach().double().numpy()
        np.testing.assert_allclose(logits[pair], expected, rtol=1e-3, atol=1e-4)
