"""MMSD: the whole network for one post at a time, in loops, and what becomes of modalities that are absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from sentipair.features import ImageGrid, PairBatch, TextLayers
from sentipair.models import MMSD
from sentipair.models.layers import AdditiveAttention
from sentipair.models.mmsd import GuidedAttention

from .cases import ModelCase, random_batch, scaled

SMALL = {"hidden": 8, "image_width": 16, "dim": 32}


class TestMMSD(ModelCase):
    model = MMSD
    variants = (SMALL, {**SMALL, "fidelity": "published"})


def build(**settings: Any) -> MMSD:
    torch.manual_seed(0)
    return MMSD(classes=3, text_dim=12, image_dim=10, **{**SMALL, **settings})


def softmax(scores: Sequence[Tensor]) -> list[Tensor]:
    total = sum(score.exp() for score in scores)
    return [score.exp() / total for score in scores]


def weighted(weights: Sequence[Tensor], vectors: Sequence[Tensor]) -> Tensor:
    return sum(w * v for w, v in zip(weights, vectors, strict=True))


def read(model: MMSD, tokens: Tensor, guidance: Tensor) -> Tensor:
    """The two directions of the LSTM, cell by cell."""
    start = model.start(guidance).view(4, -1)  # h forwards, h backwards, c forwards, c backwards
    directions = []
    for direction, suffix in enumerate(("", "_reverse")):
        cell = torch.nn.LSTMCell(12, model.hidden)
        for name, value in cell.named_parameters():
            value.data = getattr(model.lstm, f"{name}_l0{suffix}").data
        state = start[direction : direction + 1], start[2 + direction : 3 + direction]
        states = []
        for token in reversed(tokens) if direction else tokens:
            state = cell(token.unsqueeze(0), state)
            states.append(state[0][0])
        directions.append(torch.stack(states[::-1] if direction else states))
    return torch.cat(directions, dim=1)


def pool(attend: GuidedAttention, elements: Tensor, guidances: Sequence[Tensor]) -> Tensor:
    pooled = []
    for attention, guidance in zip(attend.attentions, guidances, strict=True):
        assert isinstance(attention, AdditiveAttention)
        weight = torch.cat([attention.key.weight, attention.query.weight], dim=1)  # of [element; guidance]
        scores = [
            attention.score(torch.tanh(weight @ torch.cat([element, guidance]) + attention.key.bias))
            for element in elements
        ]
        pooled.append(weighted(softmax(scores), list(elements)))
    return sum(pooled) / 3


def by_hand(model: MMSD, batch: PairBatch, pair: int) -> tuple[Tensor, Tensor]:
    """Fused vector and logits of a post that has everything."""
    enter = torch.Tensor.float if model.published else scaled
    tokens = enter(batch["text"][pair, batch["text_mask"][pair], -1])
    words = enter(batch["attributes"][pair, batch["attributes_mask"][pair], -1])
    cells = torch.stack([model.cells(cell) for cell in enter(batch["grid"][pair])])
    of_words = weighted(softmax([model.score_attribute(word) for word in words]), list(words))
    states = read(model, tokens, of_words)
    guidances = [states.mean(0), cells.mean(0), of_words]
    vectors = [
        pool(attend, elements, guidances)
        for attend, elements in (
            (model.pool_text, states), (model.pool_image, cells), (model.pool_attributes, words)
        )
    ]  # fmt: skip
    scores = softmax([score(v) for score, v in zip(model.fusion.score, vectors, strict=True)])
    embeddings = [embed(v) for embed, v in zip(model.fusion.embed, vectors, strict=True)]
    fused = weighted(scores, embeddings)
    return fused, model.classifier(fused)


@pytest.mark.parametrize("fidelity", ["sound", "published"])
def test_the_network_by_hand(fidelity: str) -> None:
    model = build(fidelity=fidelity).eval()
    batch = random_batch(model)
    output = model(batch)
    for pair in (0, 4, 7):
        fused, logits = by_hand(model, batch, pair)
        torch.testing.assert_close(output.fused[pair], fused)
        torch.testing.assert_close(output.logits[pair], logits)


def test_absent_modalities_have_no_say() -> None:
    model = build().eval()
    output = model(random_batch(model))  # pair 1 lacks text and attributes, 2 the picture, 3 all
    shares = output.attention["modalities"]
    torch.testing.assert_close(shares[1], torch.tensor([0.0, 1.0, 0.0]))
    assert shares[2, 1] == 0
    for pair, name in ((1, "text"), (2, "image"), (1, "attributes")):
        assert not output.attention[name][pair].any()
    torch.testing.assert_close(shares.sum(-1), torch.tensor([1.0, 1, 1, 0, 1, 1, 1, 1]))
    assert not output.fused[3].any()


def test_texts_and_attributes_suffice() -> None:
    """As in a copy of HFM without the pictures."""
    model = build()
    batch = random_batch(model)
    nothing = torch.zeros_like(batch["grid_mask"])
    batch = replace(batch, features={**batch.features, "grid_mask": nothing}, _rows={})
    output = model(batch)
    assert not output.attention["modalities"][:, 1].any()
    output.logits.sum().backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters())
    assert model.lstm.weight_hh_l0.grad.abs().max() > 0


def test_attributes_start_the_reading_of_the_text() -> None:
    model = build().eval()
    batch = random_batch(model)
    guidance = torch.randn(8, 12)
    states, others = (model.read(batch, vector) for vector in (guidance, -guidance))
    assert (states - others)[0].abs().max() > 1e-3
    assert not states[~batch["text_mask"] & batch["text_mask"].any(1, keepdim=True)].any()


def test_it_asks_for_what_it_reads() -> None:
    attributes = TextLayers(last=1, of="attributes")
    assert build().requires == [TextLayers(last=1), attributes, ImageGrid()]
    assert build(fidelity="published").requires == [TextLayers(last=1, pad_to=77), attributes, ImageGrid()]
