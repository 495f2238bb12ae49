"""The contrastive losses against loops over pairs, and their gradients where they could break."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from sentipair.objectives import clip_loss, pairs_below_mean_match, supervised_contrastive_loss

LABELS = {
    "mixed": [0, 1, 0, 2, 1, 0],
    "one class": [1, 1, 1, 1],
    "all different": [0, 1, 2, 3],
    "one member": [0, 0, 0, 1],
    "two": [0, 0],
    "one pair": [2],
}


def cosine(a: list[float], b: list[float]) -> float:
    sizes = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / sizes if sizes else 0.0


def loss_by_loops(
    anchors: Tensor, candidates: Tensor, labels: list[int], tau: float, self_pairs: str
) -> float:
    a, c, total = anchors.tolist(), candidates.tolist(), 0.0
    for i in range(len(a)):
        scores = [cosine(a[i], c[j]) / tau for j in range(len(c))]
        if self_pairs == "zero":
            scores[i] = 0.0
        others = [j for j in range(len(c)) if self_pairs != "drop" or j != i]
        positives = [j for j in others if labels[j] == labels[i] and (self_pairs == "keep" or j != i)]
        if positives:
            denominator = sum(math.exp(scores[j]) for j in others)
            total -= sum(scores[p] - math.log(denominator) for p in positives) / len(positives)
    return total / len(a)


@pytest.mark.parametrize("self_pairs", ["keep", "drop", "zero"])
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("tau", [0.07, 1.0])
def test_loss_is_the_loops(self_pairs: str, labels: list[int], tau: float) -> None:
    torch.manual_seed(len(labels))
    for dim in (1, 3, 32):
        anchors, candidates = torch.randn(2, len(labels), dim, dtype=torch.float64)
        anchors[0] = 0  # ReLU embeddings can be
        anchors.requires_grad_()
        loss = supervised_contrastive_loss(
            anchors, candidates, torch.tensor(labels), temperature=tau, self_pairs=self_pairs
        )
        assert loss.item() == pytest.approx(loss_by_loops(anchors, candidates, labels, tau, self_pairs))
        loss.backward()
        assert anchors.grad.isfinite().all()


@pytest.mark.parametrize("self_pairs", ["drop", "zero"])
def test_within_one_modality_the_gradient_is_that_of_finite_differences(self_pairs: str) -> None:
    torch.manual_seed(0)
    embedding = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 0, 0, 2])
    assert torch.autograd.gradcheck(
        lambda x: supervised_contrastive_loss(x, x, labels, self_pairs=self_pairs), (embedding,)
    )


@pytest.mark.parametrize("self_pairs", ["keep", "drop", "zero"])
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("size", [0.0, 1e-12, 1e-4, 1.0, 1e6, 1e15])
def test_loss_and_gradient_are_finite_whatever_the_size(
    self_pairs: str, labels: list[int], size: float
) -> None:
    torch.manual_seed(0)
    embedding = (size * torch.rand(len(labels), 8)).requires_grad_()
    loss = supervised_contrastive_loss(embedding, embedding, torch.tensor(labels), self_pairs=self_pairs)
    loss.backward()
    assert loss.isfinite()
    assert embedding.grad.isfinite().all()


def test_the_size_of_embeddings_does_not_matter() -> None:
    torch.manual_seed(0)
    text, image, labels = torch.randn(6, 4), torch.randn(6, 4), torch.tensor(LABELS["mixed"])
    expected = supervised_contrastive_loss(text, image, labels)
    torch.testing.assert_close(supervised_contrastive_loss(100 * text, 0.01 * image, labels), expected)


def test_half_precision_is_near_single() -> None:
    torch.manual_seed(0)
    embedding, labels = torch.rand(6, 32), torch.tensor(LABELS["mixed"])
    for self_pairs in ("keep", "drop", "zero"):
        exact = supervised_contrastive_loss(embedding, embedding, labels, self_pairs=self_pairs)
        half = supervised_contrastive_loss(embedding.half(), embedding.half(), labels, self_pairs=self_pairs)
        assert half.item() == pytest.approx(exact.item(), abs=0.02)


def test_an_anchor_without_positives_contributes_nothing() -> None:
    torch.manual_seed(0)
    embedding = torch.randn(4, 3, requires_grad=True)
    loss = supervised_contrastive_loss(embedding, embedding, torch.arange(4), self_pairs="drop")
    loss.backward()
    assert loss == 0
    assert not embedding.grad.any()


def test_the_order_of_the_batch_does_not_matter() -> None:
    torch.manual_seed(0)
    text, image, labels = torch.randn(6, 4), torch.randn(6, 4), torch.tensor(LABELS["mixed"])
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    torch.testing.assert_close(
        supervised_contrastive_loss(text, image, labels),
        supervised_contrastive_loss(text[order], image[order], labels[order]),
    )


def test_an_empty_batch_costs_nothing() -> None:
    nothing = torch.zeros(0, 4)
    assert supervised_contrastive_loss(nothing, nothing, torch.zeros(0, dtype=torch.long)) == 0


def test_two_pairs_by_hand() -> None:
    # orthogonal unit vectors of one class: s_12 = 0
    embedding, labels = torch.eye(2), torch.tensor([0, 0])

    def loss(self_pairs: str) -> float:
        return supervised_contrastive_loss(
            embedding, embedding, labels, temperature=1.0, self_pairs=self_pairs
        ).item()

    assert loss("drop") == pytest.approx(0)  # the only candidate has the whole share
    assert loss("zero") == pytest.approx(math.log(2))  # e⁰ for itself stays in the sum
    assert loss("keep") == pytest.approx(math.log(math.e + 1) - 0.5)


@pytest.mark.parametrize("normalise", [True, False])
def test_pairs_below_mean_match_are_counted_by_loops(normalise: bool) -> None:
    torch.manual_seed(0)
    for count in (1, 2, 7, 20):
        text, image = torch.randn(2, count, 5, dtype=torch.float64)

        def similarity(i: int, j: int, text: Tensor = text, image: Tensor = image) -> float:
            if normalise:
                return cosine(text[i].tolist(), image[j].tolist())
            return 1 / (1 + math.exp(-float(text[i] @ image[j])))

        mean = sum(similarity(i, i) for i in range(count)) / count
        expected = sum(similarity(i, j) < mean - 1e-12 for i in range(count) for j in range(count))
        assert pairs_below_mean_match(text, image, normalise=normalise) == expected


def test_a_sigmoid_of_large_embeddings_saturates_and_a_cosine_does_not() -> None:
    text, image = 50 * torch.eye(3) + 1, 50 * torch.eye(3) + 1
    assert pairs_below_mean_match(text, image, normalise=False) == 0
    assert pairs_below_mean_match(text, image) == 6


def clip_loss_by_loops(text: Tensor, image: Tensor, scale: float) -> float:
    t, i, total = text.tolist(), image.tolist(), 0.0
    for own in range(len(t)):
        for queries, answers in ((t, i), (i, t)):
            scores = [
                scale * sum(x * y for x, y in zip(queries[own], other, strict=True)) for other in answers
            ]
            total -= scores[own] - math.log(sum(map(math.exp, scores)))
    return total / (2 * len(t)) if t else 0.0


@pytest.mark.parametrize("count", [0, 1, 2, 7])
@pytest.mark.parametrize("scale", [1.0, 14.3])
def test_clip_loss_is_what_the_loops_say(count: int, scale: float) -> None:
    torch.manual_seed(0)
    text, image = (torch.nn.functional.normalize(torch.randn(count, 5), dim=1) for _ in range(2))
    found = clip_loss(text, image, torch.tensor(scale))
    assert found.item() == pytest.approx(clip_loss_by_loops(text, image, scale), rel=1e-5, abs=1e-6)


def test_clip_loss_has_finite_gradients_and_moves_the_scale() -> None:
    text = torch.nn.functional.normalize(torch.randn(4, 5), dim=1).requires_grad_()
    scale = torch.tensor(100.0, requires_grad=True)
    clip_loss(text, text.detach().roll(1, dims=0), scale).backward()
    assert text.grad is not None
    assert text.grad.isfinite().all()
    assert scale.grad is not None
    assert scale.grad.item() > 0  # who is wrong had better be less sure
    empty = torch.empty(0, 5, requires_grad=True)
    clip_loss(empty, empty, scale).backward()
