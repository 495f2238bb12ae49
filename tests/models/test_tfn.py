"""Tensor fusion against loops over dimensions."""

from __future__ import annotations

import torch

from sentipair.models import TFN
from sentipair.models.tfn import tensor_fusion

from .cases import ModelCase


class TestTFN(ModelCase):
    model = TFN


def test_every_product_stands_in_the_tensor() -> None:
    torch.manual_seed(0)
    text, image = torch.randn(4, 3), torch.randn(4, 3)
    fused = tensor_fusion(text, image)
    for pair in range(4):
        expected = [i * j for i in [1.0, *text[pair].tolist()] for j in [1.0, *image[pair].tolist()]]
        torch.testing.assert_close(fused[pair], torch.tensor(expected))
