"""QMF: confidences and fusion post by post, strips against the two-dimensional pooling of the paper's encoder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional

from sentipair.models import QMF
from sentipair.models.qmf import average_strips, confidence
from sentipair.objectives import QualityAware

from .cases import ModelCase, random_batch, take

SIZES = {"classes": 3, "text_dim": 12, "image_dim": 10}


class TestQMF(ModelCase):
    model = QMF
    variants = ({}, {"strips": 1}, {"fidelity": "published"})

    def test_learns_a_batch_by_heart(self, variant: Mapping[str, Any]) -> None:
        """With its own objective and longer steps: linear maps whose sum is weighed by about a tenth."""
        model = self.build(variant)
        batch = take(random_batch(model), [0, 4, 5, 6, 7])
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-1)
        objective = QualityAware(fidelity=variant.get("fidelity", "sound"))
        logs = [objective.step(model, batch, optimizer) for _ in range(25)]
        for name in ("cross_entropy", "cross_entropy_text", "cross_entropy_image"):
            assert logs[-1][name] < 0.2 * logs[0][name]


def test_fusion_by_hand() -> None:
    for fidelity in ("sound", "published"):
        torch.manual_seed(0)
        model = QMF(**SIZES, fidelity=fidelity).eval()
        batch = random_batch(model)
        output = model(batch)
        for pair in range(len(batch)):
            expected = torch.zeros(3)
            for name, classify in (("text", model.classify_text), ("image", model.classify_image)):
                if name == "text":
                    states = batch["text"][pair, batch["text_mask"][pair], -1].float()
                    features = states.mean(0) if len(states) else torch.zeros(12)
                else:
                    there = batch["grid_mask"][pair].any()
                    rows = batch["grid"][pair].float().view(3, 3, 10)
                    features = torch.cat([row.mean(0) for row in rows]) * there
                if fidelity == "sound":
                    features = (features - features.mean()) / (features.var(correction=0) + 1e-5).sqrt()
                opinion = classify[-1].weight @ features + classify[-1].bias
                torch.testing.assert_close(output.unimodal[name][pair], opinion)
                energy = math.log(sum(math.exp(value) for value in opinion.tolist()))
                weight = energy if fidelity == "published" else math.log(1 + math.exp(energy))
                there = batch[f"{name}_mask" if name == "text" else "grid_mask"][pair].any()
                if fidelity == "published" or there:
                    expected = expected + weight / 10 * opinion
            torch.testing.assert_close(output.logits[pair], expected)


def test_an_unsure_modality_counts_against_itself_in_the_published_version_alone() -> None:
    unsure = torch.full((1, 3), -9.0)
    assert confidence(unsure, published=True) < 0
    assert 0 < confidence(unsure, published=False) < 0.01
    sure = torch.tensor([[50.0, 0.0, 0.0]])
    torch.testing.assert_close(confidence(sure, published=False), confidence(sure, published=True))


def test_confidences_are_constants_to_the_fused_logits() -> None:
    torch.manual_seed(0)
    model = QMF(**SIZES).train()
    batch = take(random_batch(model), [0, 4, 5, 6, 7])  # with text and picture
    output = model(batch)
    weights = confidence(output.unimodal["text"].detach(), published=False)
    (gradient,) = torch.autograd.grad(output.logits[:, 0].sum(), output.unimodal["text"])
    torch.testing.assert_close(gradient, functional.pad(weights.unsqueeze(1), (0, 2)))


def test_shares_of_confidence() -> None:
    torch.manual_seed(0)
    model = QMF(**SIZES).eval()
    shares = model(random_batch(model)).attention["modalities"]
    torch.testing.assert_close(shares.sum(-1), torch.tensor([1.0, 1, 1, 0, 1, 1, 1, 1]))  # pair 3 is empty
    assert shares[1].tolist() == [0, 1]  # without a text
    assert shares[2].tolist() == [1, 0]  # without a picture
    assert QMF(**SIZES, fidelity="published")(random_batch(model)).attention is None


def test_strips_are_those_of_pooling_the_map_to_three_by_one() -> None:
    torch.manual_seed(0)
    for side, strips in ((7, 3), (14, 3), (7, 1), (3, 2)):
        cells = torch.randn(2, side * side, 5)
        maps = cells.transpose(1, 2).reshape(2, 5, side, side)
        expected = functional.adaptive_avg_pool2d(maps, (strips, 1)).squeeze(-1)  # (B, d, strips)
        torch.testing.assert_close(average_strips(cells, strips), expected.transpose(1, 2).flatten(1))
