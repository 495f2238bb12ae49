"""CNN-Multi: gradients stay in their stage."""

from __future__ import annotations

import torch

from sentipair.models import CNNMulti
from sentipair.objectives import CrossEntropy

from .cases import ModelCase, random_batch


class TestCNNMulti(ModelCase):
    model = CNNMulti
    objective = CrossEntropy(unimodal_weight=1)


def test_each_net_learns_from_its_own_cross_entropy() -> None:
    torch.manual_seed(0)
    model = CNNMulti(classes=3, text_dim=12, image_dim=10, filters=5, hidden=7)
    batch = random_batch(model)
    nets = {
        "cross_entropy": {"multi"},
        "cross_entropy_text": {"words", "text_head"},
        "cross_entropy_image": {"picture", "image_head"},
    }
    terms = CrossEntropy(unimodal_weight=1).terms(model(batch), batch.labels)
    for name, net in nets.items():
        model.zero_grad()
        terms[name].backward(retain_graph=True)
        reached = {parameter.split(".")[0] for parameter, p in model.named_parameters() if p.grad is not None}
        assert reached == net
