"""The gated unit by hand, maxout against its definition."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from sentipair.models import GMU
from sentipair.models.gmu import Maxout

from .cases import ModelCase, random_batch


class TestGMU(ModelCase):
    model = GMU


def test_the_gate_mixes_picture_and_text() -> None:
    torch.manual_seed(0)
    model = GMU(classes=3, text_dim=12, image_dim=10, dim=5).eval()
    batch = random_batch(model)
    output = model(batch)
    gate = model.gate.weight.detach().double().numpy()
    weights = [
        each[-1].weight.detach().double().numpy() for each in (model.project_image, model.project_text)
    ]
    for pair in range(len(batch)):
        count = int(batch["text_mask"][pair].sum())
        text = batch["text"][pair, :count, -1].double().numpy().mean(axis=0) if count else np.zeros(12)
        scaled = [
            (x - x.mean()) / np.sqrt(x.var() + 1e-5) for x in (batch["image"][pair].double().numpy(), text)
        ]
        image, text = (weight @ x for weight, x in zip(weights, scaled, strict=True))
        share = 1 / (1 + np.exp(-gate @ np.concatenate([image, text])))
        mixed = share * np.tanh(image) + (1 - share) * np.tanh(text)
        np.testing.assert_allclose(output.fused[pair].detach().numpy(), mixed, rtol=1e-4, atol=1e-5)


def test_maxout_takes_the_larger_of_two_maps() -> None:
    torch.manual_seed(0)
    maxout, values = Maxout(4, 3), torch.randn(5, 4)
    first, second = (
        nn.functional.linear(values, *half)
        for half in zip(maxout.linear.weight.split(3), maxout.linear.bias.split(3), strict=True)
    )
    torch.testing.assert_close(maxout(values), torch.where(first > second, first, second))
