"""Low-rank fusion against the full tensor that it stands for."""

from __future__ import annotations

import torch

from sentipair.models import LMF
from sentipair.models.lmf import LowRankFusion
from sentipair.models.tfn import tensor_fusion

from .cases import ModelCase


class TestLMF(ModelCase):
    model = LMF


def test_is_a_linear_map_of_the_whole_tensor() -> None:
    torch.manual_seed(0)
    fusion = LowRankFusion(5, rank=3, output_size=4)
    text, image = torch.randn(6, 5), torch.randn(6, 5)
    weight = torch.zeros(4, 6 * 6)
    for rank in range(3):
        for output in range(4):
            product = torch.outer(fusion.text[rank, :, output], fusion.image[rank, :, output])
            weight[output] += fusion.weights[0, rank] * product.flatten()
    torch.testing.assert_close(fusion(text, image), tensor_fusion(text, image) @ weight.T + fusion.bias)
