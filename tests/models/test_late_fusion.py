"""Late fusion: pooling and branches against numpy, and what the classifiers per modality see."""

from __future__ import annotations

import numpy as np
import torch

from sentipair.models import LateFusion
from sentipair.objectives import CrossEntropy

from .cases import ModelCase, random_batch


class TestLateFusion(ModelCase):
    model = LateFusion
    variants = ({"input_dropout": 0.0}, {"input_dropout": 0.0, "text_layers": 1})
    objective = CrossEntropy(unimodal_weight=0.5)


def build(**settings: int) -> LateFusion:
    torch.manual_seed(0)
    return LateFusion(classes=3, text_dim=12, image_dim=10, dim=7, **settings).eval()


def test_logits_are_those_of_the_pooled_features() -> None:
    model = build(text_layers=2)
    batch = random_batch(model)
    output = model(batch)
    p = {name: value.detach().double().numpy() for name, value in model.named_parameters()}

    def scaled(values: np.ndarray) -> np.ndarray:
        return (values - values.mean()) / np.sqrt(values.var() + 1e-5)

    def mean(name: str, pair: int) -> np.ndarray:
        kept = batch[name][pair][batch[f"{name}_mask"][pair]].double().numpy()
        return kept.mean(axis=0) if len(kept) else np.zeros(kept.shape[1:])

    def branch(values: np.ndarray, name: str) -> np.ndarray:
        return np.maximum(p[f"{name}.1.weight"] @ values + p[f"{name}.1.bias"], 0)

    for pair in range(len(batch)):
        layers = mean("text", pair)  # (L, d)
        text = branch(np.concatenate([scaled(layer) for layer in layers]), "read_text")
        image = branch(scaled(mean("grid", pair)), "read_image")
        fused = p["classifier.weight"] @ np.concatenate([text, image]) + p["classifier.bias"]
        if batch["text_mask"][pair].any() == batch["grid_mask"][pair].any():
            np.testing.assert_allclose(output.logits[pair].detach(), fused, rtol=1e-3, atol=1e-4)
        alone = p["text_head.weight"] @ text + p["text_head.bias"]
        np.testing.assert_allclose(output.unimodal["text"][pair].detach(), alone, rtol=1e-3, atol=1e-4)


def test_a_modality_alone_does_not_see_the_other() -> None:
    model = build()
    batch = random_batch(model)
    before = model(batch)
    batch.features["grid"].add_(1.5 * torch.randn(batch["grid"].shape).half())
    after = model(batch)
    seen = batch["grid_mask"].any(1)
    assert torch.equal(before.unimodal["text"], after.unimodal["text"])
    assert not torch.isclose(before.unimodal["image"], after.unimodal["image"])[seen].all(1).any()
