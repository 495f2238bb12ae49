"""MLCL against loops over texts and pictures, and what a step minimises."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from sentipair.models import MPT, LogisticRegression
from sentipair.objectives import MultiLabelContrastive, text_image_contrastive_loss
from tests.models.cases import random_batch

LABELS = {
    "mixed": [0, 1, 0, 2, 1, 0],
    "one class": [1, 1, 1, 1],
    "all different": [0, 1, 2, 3],
    "two": [0, 0],
    "two classes": [0, 1],
}


def cosine(a: list[float], b: list[float]) -> float:
    sizes = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / sizes if sizes else 0.0


def mlcl_by_loops(text: Tensor, image: Tensor, labels: list[int]) -> float:
    texts, images = text.tolist(), image.tolist()
    total = 0.0
    for i, picture in enumerate(images):
        same = [t for t, label in enumerate(labels) if label == labels[i]]
        for t in same:
            others = sum(math.exp(cosine(texts[t], images[j])) for j in range(len(images)) if j != i)
            total -= math.log(math.exp(cosine(texts[t], picture)) / others) / len(same)
    return total / len(images)


def fused_by_loops(fused: Tensor, labels: list[int]) -> float:
    """The released code's: τ = .07, an item is its own positive and its own rival."""
    rows, total = fused.tolist(), 0.0
    for i, row in enumerate(rows):
        scores = [cosine(row, other) / 0.07 for other in rows]
        same = [j for j, label in enumerate(labels) if label == labels[i]]
        rivals = math.log(sum(map(math.exp, scores)))
        total -= sum(scores[j] - rivals for j in same) / len(same)
    return total / len(rows)


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("dim", [1, 3, 32])
def test_loss_is_the_loops(labels: list[int], dim: int) -> None:
    torch.manual_seed(len(labels))
    text, image = torch.randn(2, len(labels), dim, dtype=torch.float64)
    text[0] = 0  # what a post without text may have
    text.requires_grad_()
    loss = text_image_contrastive_loss(text, image, torch.tensor(labels))
    assert loss.item() == pytest.approx(mlcl_by_loops(text, image, labels), abs=1e-6)
    loss.backward()
    assert text.grad is not None
    assert text.grad.isfinite().all()


def test_gradient_is_that_of_finite_differences() -> None:
    torch.manual_seed(0)
    text, image = (torch.randn(5, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    labels = torch.tensor([0, 1, 0, 0, 2])
    assert torch.autograd.gradcheck(lambda t, i: text_image_contrastive_loss(t, i, labels), (text, image))


@pytest.mark.parametrize("count", [0, 1])
def test_nobody_to_be_pushed_away(count: int) -> None:
    rows = torch.rand(count, 4)
    assert text_image_contrastive_loss(rows, rows, torch.zeros(count, dtype=torch.long)) == 0


def test_texts_move_to_the_pictures_of_their_class() -> None:
    torch.manual_seed(0)
    image, labels = torch.eye(4), torch.tensor([0, 0, 1, 1])
    text = torch.randn(4, 4, requires_grad=True)
    optimizer = torch.optim.SGD([text], lr=1.0)
    for _ in range(200):
        optimizer.zero_grad()
        text_image_contrastive_loss(text, image, labels).backward()
        optimizer.step()
    similarity = functional.normalize(text.detach(), dim=-1) @ image.T
    same = labels.unsqueeze(1) == labels.unsqueeze(0)
    assert similarity[same].min() > 0.4 > -0.4 > similarity[~same].max()


def test_a_step_minimises_the_weighted_sum() -> None:
    for fidelity in ("sound", "published"):
        model = MPT(text_dim=12, image_dim=10, dim=16, dropout=0.0, fusion_dropout=0.0)
        batch = random_batch(model)
        output = model(batch)
        objective = MultiLabelContrastive(
            cross_entropy_weight=0.7, contrastive_weight=0.3, label_smoothing=0.05, fidelity=fidelity
        )
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        log = objective.step(model, batch, optimizer)
        labels = batch.labels.tolist()
        contrast = (
            mlcl_by_loops(output.text, output.image, labels)
            if fidelity == "sound"
            else fused_by_loops(output.fused, labels)
        )
        entropy = functional.cross_entropy(output.logits, batch.labels, label_smoothing=0.05).item()
        assert log["mlcl"] == pytest.approx(contrast, rel=1e-4)
        assert log["loss"] == pytest.approx(0.7 * entropy + 0.3 * contrast, rel=1e-4)
        assert any(p.grad is not None and p.grad.any() for p in model.parameters())


def test_without_its_weight_or_the_embeddings_it_is_the_cross_entropy() -> None:
    mpt = MPT(text_dim=12, image_dim=10, dim=16)
    regression = LogisticRegression(text_dim=12, image_dim=10)
    for model, weight in ((mpt, 0.0), (regression, 0.1)):
        log = MultiLabelContrastive(contrastive_weight=weight).step(
            model, random_batch(model), torch.optim.SGD(model.parameters(), lr=0.1)
        )
        assert set(log) == {"loss", "cross_entropy"}
        assert log["loss"] == log["cross_entropy"]
