"""Concat(2) and Concat(3): what is put side by side."""

from __future__ import annotations

import pytest
import torch

from sentipair.models import Concat

from .cases import ModelCase, random_batch
from .reference import torch_lstm


class TestConcat(ModelCase):
    model = Concat
    variants = ({}, {"attributes": True})


@pytest.mark.parametrize("attributes", [False, True])
def test_the_layer_sees_last_states_picture_and_attributes(attributes: bool) -> None:
    torch.manual_seed(0)
    model = Concat(text_dim=12, image_dim=10, attributes=attributes, hidden=4, image_hidden=5, dim=6).eval()
    batch = random_batch(model)
    seen: list[torch.Tensor] = []
    model.fuse.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(batch)
    lstm = torch_lstm(model.bilstm)
    for pair, vector in enumerate(seen[0]):
        words = batch["text"][pair, :, -1][batch["text_mask"][pair]].float()
        state = lstm(words)[1][0].flatten() if len(words) else torch.zeros(8)
        parts = [state, model.picture(batch["image"][pair])]
        if attributes:
            named = batch["attributes"][pair, :, -1][batch["attributes_mask"][pair]].float()
            parts.append(named.mean(0) if len(named) else torch.zeros(12))
        torch.testing.assert_close(vector, torch.cat(parts), rtol=1e-4, atol=1e-5)
