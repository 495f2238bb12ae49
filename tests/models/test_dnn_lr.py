"""DNN-LR against a regression by hand, and where its gradients go."""

from __future__ import annotations

import numpy as np
import torch
from scipy.special import softmax

from sentipair.models import DNNLR
from sentipair.objectives import CrossEntropy

from .cases import ModelCase, random_batch


class TestDNNLR(ModelCase):
    model = DNNLR
    objective = CrossEntropy(unimodal_weight=1)


def test_logits_are_a_regression_on_the_probabilities_of_both_nets() -> None:
    torch.manual_seed(0)
    model = DNNLR(classes=3, text_dim=12, image_dim=10).eval()
    output = model(random_batch(model))
    assert output.unimodal is not None
    text, image = (output.unimodal[name].detach().double().numpy() for name in ("text", "image"))
    weight, bias = (p.detach().double().numpy() for p in (model.regression.weight, model.regression.bias))
    for pair, logits in enumerate(output.logits.detach().numpy()):
        stacked = np.concatenate([softmax(text[pair]), softmax(image[pair])])
        expected = {1: image[pair], 2: text[pair]}.get(pair, weight @ stacked + bias)  # without text, picture
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_the_regression_does_not_change_the_nets() -> None:
    model = DNNLR(classes=3, text_dim=12, image_dim=10)
    batch = random_batch(model)
    terms = CrossEntropy(unimodal_weight=1).terms(model(batch), batch.labels)
    terms["cross_entropy"].backward()
    reached = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert reached == {"regression"}
