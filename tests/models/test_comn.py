"""CoMN's hops against loops over words and cells."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sentipair.models import CoMN

from .cases import ModelCase, random_batch, scaled


class TestCoMN(ModelCase):
    model = CoMN
    variants = ({"hops": 3},)  # weights times four grow with every hop, and their rounding with them


@pytest.mark.parametrize("hops", [1, 3])
def test_hops_by_hand(hops: int) -> None:
    torch.manual_seed(0)
    model = CoMN(classes=3, text_dim=12, image_dim=10, dim=5, hops=hops).eval()
    batch = random_batch(model)
    output = model(batch)

    def ask(memory: list[Tensor], query: Tensor) -> Tensor:
        if not memory:
            return torch.zeros(5)
        attention = model.attention
        compared = [torch.tanh(attention.key(each) + attention.query(query)) for each in memory]
        weights = torch.stack([attention.score(each)[0] for each in compared]).softmax(0)
        return sum(weight * each for weight, each in zip(weights, memory, strict=True))

    def mean(memory: list[Tensor]) -> Tensor:
        return sum(memory) / len(memory) if memory else torch.zeros(5)

    for pair in range(len(batch)):
        kept = scaled(batch["text"][pair, :, -1])[batch["text_mask"][pair]]
        words = [model.words(word) for word in kept]
        cells = [model.cells(cell) for cell in scaled(batch["grid"][pair])[batch["grid_mask"][pair]]]
        text, image = mean(words), mean(cells)
        for _ in range(hops):
            text = model.update(text) + ask(words, image)
            image = model.update(image) + ask(cells, text)
        torch.testing.assert_close(output.text[pair], text, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(output.image[pair], image, rtol=1e-4, atol=1e-5)


def test_hops_share_their_weights() -> None:
    counts = {sum(p.numel() for p in CoMN(hops=hops).parameters()) for hops in (1, 6)}
    assert len(counts) == 1
