"""The two-step update: its losses and its condition by hand, and what it does to the weights."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sentipair.features import PairBatch
from sentipair.models import SPPSCL, PairModel, PairOutput
from sentipair.objectives import SemiPushPull
from tests.models.cases import SIZES, random_batch


class Embeddings(PairModel):
    """Embeddings as parameters; keeps what it was at every forward pass."""

    requires = ()

    def __init__(self, text: Tensor, image: Tensor) -> None:
        super().__init__()
        self.text, self.image = nn.Parameter(text.clone()), nn.Parameter(image.clone())
        self.classifier = nn.Linear(text.shape[1], 3)
        self.passes: list[dict[str, Tensor]] = []

    def forward(self, batch: PairBatch) -> PairOutput:
        self.passes.append({name: value.clone() for name, value in self.state_dict().items()})
        return PairOutput(logits=self.classifier(self.text), text=self.text * 1, image=self.image * 1)


class Counter(torch.optim.SGD):
    """Plain gradient descent that counts its steps."""

    steps = 0

    def step(self, closure: Any = None) -> None:
        self.steps += 1
        super().step(closure)


def case(labels: list[int], *, seed: int = 0) -> tuple[Embeddings, PairBatch]:
    torch.manual_seed(seed)
    model = Embeddings(*torch.rand(2, len(labels), 4))
    return model, PairBatch(ids=tuple(map(str, labels)), labels=torch.tensor(labels), features={})


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).sum(axis=1, keepdims=True))


def published_intra(x: np.ndarray, labels: list[int], tau: float = 0.07) -> float:
    """Equation by equation: s_ij = x̂_i·x̂_j/τ, s_ii = 0, and e^0 stays in the denominator."""
    similarity = unit(x) @ unit(x).T / tau
    total = 0.0
    for i in range(len(x)):
        similarity[i, i] = 0
        positives = [p for p in range(len(x)) if labels[p] == labels[i] and p != i]
        if positives:
            log_denominator = math.log(sum(math.exp(similarity[i, j]) for j in range(len(x))))
            total += -sum(similarity[i, p] - log_denominator for p in positives) / len(positives)
    return total / len(x)


def published_cross(text: np.ndarray, image: np.ndarray, labels: list[int], tau: float = 0.07) -> float:
    """Rows are texts, columns pictures, i = j is a positive, one direction."""
    similarity = unit(text) @ unit(image).T / tau
    total = 0.0
    for i in range(len(text)):
        positives = [p for p in range(len(text)) if labels[p] == labels[i]]
        log_denominator = math.log(sum(math.exp(s) for s in similarity[i]))
        total += -sum(similarity[i, p] - log_denominator for p in positives) / len(positives)
    return total / len(text)


def published_condition(text: np.ndarray, image: np.ndarray, labels: list[int]) -> bool:
    """Whether n < ⌊2m/3⌋ with S = σ(T Iᵀ) of the vectors as they are."""
    similarity = 1 / (1 + np.exp(-(text @ image.T)))
    mean = sum(similarity[i, i] for i in range(len(text))) / len(text)
    below = sum(1 for row in similarity for s in row if s < mean)
    same = sum(1 for a in labels for b in labels if a == b)
    return below < (2 * same) // 3


def numpy(x: Tensor) -> np.ndarray:
    return x.detach().double().numpy()


@pytest.mark.parametrize("seed", range(4))
def test_published_losses_by_hand(seed: int) -> None:
    labels = [0, 1, 0, 2, 1, 0, 0]
    model, batch = case(labels, seed=seed)
    text, image = numpy(model.text), numpy(model.image)
    logits = numpy(model.classifier(model.text))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    entropy = -sum(math.log(shares[i, label]) for i, label in enumerate(labels)) / len(labels)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    log = SemiPushPull(cross_entropy_weight=5, fidelity="published").step(model, batch, optimizer)
    assert log["cross_entropy"] == pytest.approx(entropy, rel=1e-5)
    assert log["scl_text"] == pytest.approx(published_intra(text, labels), rel=1e-5)
    assert log["scl_image"] == pytest.approx(published_intra(image, labels), rel=1e-5)
    assert log["loss"] == pytest.approx(5 * entropy + log["scl_text"] + log["scl_image"], rel=1e-5)
    assert log["scl_cross"] == pytest.approx(published_cross(text, image, labels), rel=1e-5)
    assert log["step2"] == published_condition(text, image, labels)


def test_the_condition_is_met_and_not_met_as_by_hand() -> None:
    met = set()
    for seed in range(40):
        torch.manual_seed(seed)
        count = int(torch.randint(1, 9, ()))
        labels = torch.randint(3, (count,)).tolist()
        text, image = torch.rand(2, count, 4)
        if seed % 2:
            image = text + 0.3 * image  # true pairs match: most others lie below
        expected = published_condition(numpy(text), numpy(image), labels)
        met.add(expected)
        objective = SemiPushPull(fidelity="published")
        assert objective.must_push(text, image, torch.tensor(labels)) == expected
    assert met == {True, False}


def test_the_condition_floors() -> None:
    # four pairs of one class, m = 16; matching pairs are alike and unlike all others: 12 lie below the mean
    text = image = torch.eye(4)
    labels = torch.zeros(4, dtype=torch.long)
    for alpha, expected in ((12.4 / 16, False), (12.99 / 16, False), (13 / 16, True), (0.0, False)):
        for fidelity in ("sound", "published"):
            assert SemiPushPull(alpha=alpha, fidelity=fidelity).must_push(text, image, labels) == expected


def test_two_thirds_floor_like_integers() -> None:
    assert all(int(2 / 3 * m) == 2 * m // 3 for m in range(256**2 + 1))


@pytest.mark.parametrize("fidelity", ["sound", "published"])
@pytest.mark.parametrize(("alpha", "pushed"), [(100.0, True), (0.0, False)])
def test_the_second_step_is_taken_exactly_when_needed(fidelity: Any, alpha: float, pushed: bool) -> None:
    model, batch = case([0, 1, 0, 2, 1, 0])
    optimizer = Counter(model.parameters(), lr=0.1)
    objective = SemiPushPull(alpha=alpha, fidelity=fidelity)
    log = objective.step(model, batch, optimizer)
    first, second = model.passes
    assert log["step2"] == pushed
    assert optimizer.steps == 1 + pushed
    # the second pass is made with the weights of the first step, and its loss is of those
    assert not torch.equal(first["text"], second["text"])
    labels = batch.labels.tolist()
    assert log["scl_cross"] == pytest.approx(
        published_cross(numpy(second["text"]), numpy(second["image"]), labels), rel=1e-4
    )
    after = model.state_dict()
    assert torch.equal(after["text"], second["text"]) != pushed
    assert torch.equal(after["image"], second["image"]) != pushed


@pytest.mark.parametrize(("fidelity", "moves"), [("published", True), ("sound", False)])
def test_momentum_reaches_the_classifier_in_the_second_step_only_as_published(
    fidelity: Any, moves: bool
) -> None:
    model, batch = case([0, 1, 0, 2, 1, 0])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.01)
    SemiPushPull(alpha=100.0, fidelity=fidelity).step(model, batch, optimizer)
    before, after = model.passes[1]["classifier.weight"], model.classifier.weight
    assert torch.equal(before, after) != moves
    gradient = model.classifier.weight.grad
    assert (gradient is None) != moves
    if moves:
        assert not gradient.any()


def test_both_steps_are_the_updates_of_their_losses() -> None:
    """A whole published step of SPP-SCL against gradient descent on the losses written out with autograd."""
    torch.manual_seed(0)
    model = SPPSCL(**SIZES, fidelity="published", dropout=0.0)
    batch = random_batch(model, pairs=6)
    other = copy.deepcopy(model)

    def intra(x: Tensor) -> Tensor:
        x = x / x.norm(dim=1, keepdim=True)
        total = torch.zeros(())
        for i in range(6):
            scores = [x[i] @ x[j] / 0.07 if i != j else torch.zeros(()) for j in range(6)]
            chosen = [scores[j] for j in range(6) if j != i and batch.labels[j] == batch.labels[i]]
            total = total + sum(torch.stack(scores).exp().sum().log() - s for s in chosen) / len(chosen)
        return total / 6

    def cross(t: Tensor, v: Tensor) -> Tensor:
        t, v = t / t.norm(dim=1, keepdim=True), v / v.norm(dim=1, keepdim=True)
        total = torch.zeros(())
        for i in range(6):
            scores = [t[i] @ v[j] / 0.07 for j in range(6)]
            chosen = [scores[j] for j in range(6) if batch.labels[j] == batch.labels[i]]
            total = total + sum(torch.stack(scores).exp().sum().log() - s for s in chosen) / len(chosen)
        return total / 6

    def descend(loss: Tensor) -> None:
        parameters = list(other.parameters())
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                if gradient is not None:
                    parameter -= 1e-3 * gradient

    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    log = SemiPushPull(alpha=100.0, cross_entropy_weight=3, fidelity="published").step(
        model, batch, optimizer
    )
    assert log["step2"] == 1
    output = other(batch)
    descend(
        3 * nn.functional.cross_entropy(output.logits, batch.labels)
        + intra(output.text)
        + intra(output.image)
    )
    output = other(batch)
    descend(cross(output.text, output.image))
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[name], rtol=1e-3, atol=2e-6, msg=name)


def test_the_second_pass_has_fresh_dropout() -> None:
    torch.manual_seed(0)
    model = SPPSCL(**SIZES)
    seen: list[Tensor] = []
    model.embed_text.register_forward_hook(lambda *call: seen.append(call[2].detach()))
    SemiPushPull().step(model, random_batch(model), torch.optim.SGD(model.parameters(), lr=0.0))
    assert len(seen) == 2
    assert not torch.equal(*seen)


def test_one_step_adds_the_loss_between_modalities_without_condition() -> None:
    labels = [0, 1, 0, 2, 1, 0]
    model, batch = case(labels)
    text, image = numpy(model.text), numpy(model.image)
    optimizer = Counter(model.parameters(), lr=0.1)
    log = SemiPushPull(one_step=True, alpha=0.0, fidelity="published").step(model, batch, optimizer)
    assert optimizer.steps == len(model.passes) == 1
    assert log.keys() == {"loss", "cross_entropy", "scl_text", "scl_image", "scl_cross"}
    assert log["scl_cross"] == pytest.approx(published_cross(text, image, labels), rel=1e-5)
    parts = 5 * log["cross_entropy"] + log["scl_text"] + log["scl_image"] + log["scl_cross"]
    assert log["loss"] == pytest.approx(parts, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "passes", "terms"),
    [
        ({}, 2, {"scl_text", "scl_image", "scl_cross", "step2"}),
        ({"intra": False}, 2, {"scl_cross", "step2"}),
        ({"inter": False}, 1, {"scl_text", "scl_image"}),
        ({"inter": False, "one_step": True}, 1, {"scl_text", "scl_image"}),
        ({"intra": False, "inter": False}, 1, set()),
    ],
)
def test_ablations(settings: dict[str, Any], passes: int, terms: set[str]) -> None:
    model, batch = case([0, 1, 0, 2])
    log = SemiPushPull(**settings).step(model, batch, torch.optim.SGD(model.parameters(), lr=0.1))
    assert log.keys() == {"loss", "cross_entropy"} | terms
    assert len(model.passes) == passes
    weighed = 5 * log["cross_entropy"] + log.get("scl_text", 0) + log.get("scl_image", 0)
    assert log["loss"] == pytest.approx(weighed, rel=1e-5)


def test_sound_leaves_itself_out_of_the_sum() -> None:
    labels = [0, 0]
    model, batch = case(labels)
    log = SemiPushPull().step(model, batch, torch.optim.SGD(model.parameters(), lr=0.0))
    assert log["scl_text"] == pytest.approx(0, abs=1e-6)  # one candidate, the positive: nothing to pull
    assert published_intra(numpy(model.text), labels) > 1e-7


@pytest.mark.parametrize("modality", ["text", "image"])
@pytest.mark.parametrize("fidelity", ["sound", "published"])
def test_one_modality_alone_takes_one_step(modality: Any, fidelity: Any) -> None:
    torch.manual_seed(0)
    model = SPPSCL(**SIZES, modalities=modality, fidelity=fidelity)
    log = SemiPushPull(fidelity=fidelity).step(
        model, random_batch(model), torch.optim.AdamW(model.parameters())
    )
    assert log.keys() == {"loss", "cross_entropy", f"scl_{modality}"}


@pytest.mark.parametrize("labels", [[0], [1, 1, 1], [0, 1, 2]])
def test_batches_with_little_to_contrast(labels: list[int]) -> None:
    for fidelity in ("sound", "published"):
        model, batch = case(labels)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        log = SemiPushPull(alpha=100.0, fidelity=fidelity).step(model, batch, optimizer)
        assert all(math.isfinite(value) for value in log.values())
        assert all(bool(parameter.isfinite().all()) for parameter in model.parameters())


def test_pairs_of_nothing_but_gaps() -> None:
    torch.manual_seed(0)
    model = SPPSCL(**SIZES)
    batch = random_batch(model)
    for mask in ("text_mask", "grid_mask"):
        batch.features[mask].zero_()
    log = SemiPushPull(alpha=100.0).step(model, batch, torch.optim.AdamW(model.parameters()))
    assert all(math.isfinite(value) for value in log.values())
    assert all(bool(parameter.isfinite().all()) for parameter in model.parameters())
