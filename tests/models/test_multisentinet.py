"""MultiSentiNet's attention, guided by the picture."""

from __future__ import annotations

import torch

from sentipair.models import MultiSentiNet

from .cases import ModelCase, random_batch, scaled


class TestMultiSentiNet(ModelCase):
    model = MultiSentiNet


def test_the_picture_guides_the_attention() -> None:
    torch.manual_seed(0)
    model = MultiSentiNet(classes=3, text_dim=12, image_dim=10, hidden=6).eval()
    batch = random_batch(model)
    output = model(batch)
    assert output.attention is not None
    words = output.attention["words"]
    key, query, score = model.attention.key, model.attention.query, model.attention.score
    for pair in range(len(batch)):
        seen = torch.relu(model.object[0](scaled(batch["image"][pair])))
        count = int(batch["text_mask"][pair].sum())
        if count == 0:
            assert not words[pair].any()
            torch.testing.assert_close(output.fused[pair], torch.cat([torch.zeros(6), seen]))
            continue
        states = model.lstm(scaled(batch["text"][pair, :count, -1]))[0]
        scores = torch.stack([score(torch.tanh(key(state) + query(seen))).squeeze() for state in states])
        weights = scores.exp() / scores.exp().sum()
        text = sum(weight * state for weight, state in zip(weights, states, strict=True))
        torch.testing.assert_close(words[pair, :count], weights)
        torch.testing.assert_close(output.fused[pair], torch.cat([text, seen]))
