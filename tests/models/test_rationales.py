"""What models read of rationales, and the plug-in around every registered model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sentipair.features import PairBatch, TextLayers
from sentipair.models import MPT, LogisticRegression, PairModel, list_models
from sentipair.models.persistence import ModelConfig, load_model, save_config, save_weights
from sentipair.models.rationales import WithRationales, join_rationales, pool_rationales, rationale_layers

from .cases import SIZES, ModelCase, random_batch, small_config

POLARITIES = ("positive", "negative")
PLUGIN = {"polarities": list(POLARITIES), "classes": 3, "text_dim": SIZES["text_dim"]}


def config(name: str) -> ModelConfig:
    return small_config(name, plugins={"rationales": PLUGIN})


def without_rationales(batch: PairBatch) -> PairBatch:
    gone = {
        name: torch.zeros_like(value)
        for name, value in batch.features.items()
        if name.startswith("rationale_") and name.endswith("_mask")
    }
    return replace(batch, features={**batch.features, **gone}, _rows={})


class TestPluginCase(ModelCase):
    """The plug-in passes every test of a model."""

    model = LogisticRegression
    test_saved_and_loaded_is_the_same = None  # below, for every model

    def build(self, variant: Mapping[str, Any], *, seed: int = 0, **settings: Any) -> PairModel:
        inner = super().build(variant, seed=seed, **settings)
        classes = settings.get("classes", SIZES["classes"])
        return WithRationales(inner, polarities=POLARITIES, classes=classes, text_dim=12, dropout=0.0)


@pytest.mark.parametrize("name", list_models())
def test_any_model_takes_rationales(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = config(name).build().eval()
    assert isinstance(model, WithRationales)
    batch = random_batch(model)
    output = model(batch)
    assert output.logits.shape == (8, 3)
    assert torch.equal(model(without_rationales(batch)).logits, model.model(without_rationales(batch)).logits)
    added = (output.logits - model.model(batch).logits).abs().sum(1)
    assert (added > 0).tolist() == [True, False, True, False, True, True, True, True]  # 1 and 3 have none
    save_config(tmp_path, config(name))
    save_weights(tmp_path, model)
    loaded, found = load_model(tmp_path)
    assert found == config(name)
    torch.testing.assert_close(loaded(batch).logits, output.logits)


def test_a_rationale_that_the_model_reads_itself_is_required_once() -> None:
    model = WithRationales(MPT(fidelity="published"), polarities=POLARITIES)
    names = [spec.of for spec in model.requires if isinstance(spec, TextLayers)]
    assert sorted(names) == ["rationale_negative", "rationale_neutral", "rationale_positive", "text"]


def test_logits_are_corrected_by_gated_rationales() -> None:
    torch.manual_seed(0)
    inner = LogisticRegression(classes=3, text_dim=12, image_dim=10)
    model = WithRationales(inner, polarities=POLARITIES, text_dim=12).eval()
    batch = random_batch(model)
    found, expected = model(batch).logits.detach().numpy(), inner(batch).logits.detach().double().numpy()
    weights = {name: value.double().numpy() for name, value in model.state_dict().items()}
    for pair in range(len(batch)):
        parts = []
        for polarity in POLARITIES:
            count = int(batch[f"rationale_{polarity}_mask"][pair].sum())
            states = batch[f"rationale_{polarity}"][pair, :count, -1].double().numpy()
            mean = states.mean(axis=0) if count else np.zeros(12)
            parts.append((mean - mean.mean()) / np.sqrt(mean.var() + 1e-5))
        r = np.concatenate(parts)
        gate = 1 / (1 + np.exp(-(weights["gate.weight"][0] @ r + weights["gate.bias"][0])))
        if any(part.any() for part in parts):
            expected[pair] += gate * (weights["classifier.weight"] @ r + weights["classifier.bias"])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_one_missing_rationale_leaves_the_others() -> None:
    specs = rationale_layers(POLARITIES)
    assert [(spec.of, spec.last, spec.max_length) for spec in specs] == [
        ("rationale_positive", 1, 256),
        ("rationale_negative", 1, 256),
    ]
    model = WithRationales(LogisticRegression(text_dim=12, image_dim=10), polarities=POLARITIES, text_dim=12)
    batch = random_batch(model)
    gone = {**batch.features, "rationale_negative_mask": torch.zeros_like(batch["rationale_negative_mask"])}
    half = replace(batch, features=gone, _rows={})
    means, present = pool_rationales(half, POLARITIES)
    assert present[0].tolist() == [True, False]
    assert not means[:, 1].any()
    joined, _ = join_rationales(half, POLARITIES)
    assert joined.shape == (8, 24)
    assert joined[0, :12].any()
    assert not joined[0, 12:].any()
