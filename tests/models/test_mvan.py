"""MVAN's hops and its stacking-pooling against loops."""

from __future__ import annotations

import torch
from torch import Tensor

from sentipair.models import MVAN
from sentipair.models.layers import AdditiveAttention

from .cases import ModelCase, random_batch, scaled


class TestMVAN(ModelCase):
    model = MVAN


def test_two_hops_by_hand() -> None:
    torch.manual_seed(0)
    model = MVAN(classes=3, text_dim=12, image_dim=10, hidden=4, hops=2).eval()
    batch = random_batch(model)
    output = model(batch)

    def ask(attention: AdditiveAttention, memory: Tensor, query: Tensor) -> Tensor:
        compared = [torch.tanh(attention.key(each) + attention.query(query)) for each in memory]
        weights = torch.stack([attention.score(each)[0] for each in compared]).softmax(0)
        return sum(weight * each for weight, each in zip(weights, memory, strict=True))

    for pair in (0, 4, 5, 6, 7):  # those with text and picture
        states = scaled(batch["text"][pair, :, -1])[batch["text_mask"][pair]]
        words = model.bilstm(states, torch.tensor([len(states)]))
        cells = model.cells(scaled(batch["grid"][pair]))
        text, image = words.mean(0), cells.mean(0)
        for _ in range(2):
            text, image = (
                text + ask(model.attend_words, words, image),
                image + ask(model.attend_cells, cells, text),
            )
        both = model.concatenated(torch.cat([text, image]))
        pooled = [torch.maximum(text, image), (text + image) / 2]
        torch.testing.assert_close(output.fused[pair], torch.cat([both, *pooled]), rtol=1e-4, atol=1e-5)


def test_a_missing_modality_leaves_the_other_as_it_is() -> None:
    model = MVAN(classes=3, text_dim=12, image_dim=10, hidden=4).eval()
    output = model(random_batch(model))
    assert not output.text[1].any()  # pair 1 has no text, pair 2 no picture
    assert not output.image[2].any()
    assert output.image[1].any()
    assert output.text[2].any()
