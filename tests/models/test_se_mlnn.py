"""Se-MLNN: its two layers on the mean of summed layers and on the picture's vector, in numpy."""

from __future__ import annotations

import numpy as np
import torch

from sentipair.models import SeMLNN

from .cases import ModelCase, random_batch


class TestSeMLNN(ModelCase):
    model = SeMLNN


def test_logits_are_those_of_two_layers() -> None:
    torch.manual_seed(0)
    model = SeMLNN(classes=3, text_dim=12, image_dim=10, dim=6).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)  # a fresh norm has weight 1 and bias 0
    batch = random_batch(model)
    logits = model(batch).logits.detach().numpy()
    p = {name: value.detach().double().numpy() for name, value in model.named_parameters()}

    def layer(values: np.ndarray, name: str) -> np.ndarray:
        hidden = p[f"{name}.0.weight"] @ values + p[f"{name}.0.bias"]
        normed = (hidden - hidden.mean()) / np.sqrt(hidden.var() + 1e-5)
        return np.maximum(normed * p[f"{name}.1.weight"] + p[f"{name}.1.bias"], 0)

    for pair in range(len(batch)):
        tokens = batch["text"][pair][batch["text_mask"][pair]].double().numpy()  # (N, 4, d)
        text = tokens.sum(axis=1).mean(axis=0) if len(tokens) else np.zeros(12)
        both = [layer(text, "text"), layer(batch["image"][pair].double().numpy(), "image")]
        expected = p["classifier.weight"] @ np.concatenate(both) + p["classifier.bias"]
        np.testing.assert_allclose(logits[pair], expected, rtol=1e-3, atol=1e-4)
