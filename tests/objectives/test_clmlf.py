"""The losses of CLMLF against loops over pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sentipair.errors import UserError
from sentipair.models import CLMLF, LogisticRegression
from sentipair.objectives import CLMLFObjective
from tests.models.cases import random_batch

SIZES = {"classes": 3, "text_dim": 12, "image_dim": 10}
TAU = 0.07


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("labels", [[0, 1, 0, 2, 0, 1], [0, 1, 2], [1, 1], [0]])
def test_published_label_contrast(labels: list[int]) -> None:
    torch.manual_seed(0)
    x = torch.randn(len(labels), 5)
    terms = []
    for i in range(len(labels)):
        products = [float(x[i] @ x[j]) for j in range(len(labels))]
        log_sum = math.log(sum(math.exp(value) for value in products))
        terms += [-(products[j] - log_sum) / TAU for j in range(len(labels)) if labels[i] == labels[j]]
    value = CLMLFObjective(fidelity="published").label_contrast(x, torch.tensor(labels))
    torch.testing.assert_close(value, torch.tensor(sum(terms) / len(terms)))


def test_sound_label_contrast_knows_no_length_and_no_self() -> None:
    torch.manual_seed(0)
    x, labels = torch.randn(4, 5), torch.tensor([0, 1, 0, 1])
    objective = CLMLFObjective(temperature=0.5)
    value = objective.label_contrast(x, labels)
    torch.testing.assert_close(objective.label_contrast(x * torch.rand(4, 1).add(1), labels), value)
    similarity = unit(x.numpy()) @ unit(x.numpy()).T / 0.5
    expected = 0.0
    for i in range(4):
        log_sum = math.log(sum(math.exp(similarity[i, j]) for j in range(4) if j != i))
        expected -= (similarity[i, (i + 2) % 4] - log_sum) / 4
    assert value.item() == pytest.approx(expected, rel=1e-5)
    assert objective.label_contrast(x[:1], labels[:1]) == 0


@pytest.mark.parametrize("fidelity", ["sound", "published"])
def test_data_contrast(fidelity: str) -> None:
    torch.manual_seed(0)
    first, second = torch.randn(2, 6, 5)
    value = CLMLFObjective(fidelity=fidelity).data_contrast(first, second)
    a, b = first.numpy(), second.numpy()
    if fidelity == "sound":
        a, b = unit(a), unit(b)
    similarity = (a @ b.T).astype(np.float64) / TAU
    expected = np.mean([np.log(np.exp(row - row[i]).sum()) for i, row in enumerate(similarity)])
    assert value.item() == pytest.approx(expected, rel=1e-4)


def test_one_step_adds_the_three_losses() -> None:
    torch.manual_seed(0)
    model = CLMLF(**SIZES, dim=12, heads=2, layers=1).eval()  # no dropout: the second view is the first one
    batch = random_batch(model)
    output = model(batch)
    objective = CLMLFObjective(label_weight=2.0, data_weight=0.5)
    label = objective.label_contrast(output.views["original"], batch.labels).item()
    data = objective.data_contrast(output.views["original"], output.views["augmented"]).item()
    classes = torch.nn.functional.cross_entropy(output.logits, batch.labels).item()
    log = objective.step(model, batch, torch.optim.SGD(model.parameters(), lr=0.1))
    assert log["loss"] == pytest.approx(classes + 2 * label + 0.5 * data, rel=1e-4)
    assert log["cross_entropy"] == pytest.approx(classes, rel=1e-4)


def test_without_the_data_contrast_there_is_one_pass() -> None:
    for weight, passes in ((0.0, 1), (1.0, 2)):
        model = CLMLF(**SIZES, dim=12, heads=2, layers=1)
        seen: list[int] = []
        model.register_forward_hook(lambda *_, seen=seen: seen.append(1))
        log = CLMLFObjective(data_weight=weight).step(
            model, random_batch(model), torch.optim.SGD(model.parameters(), lr=0.1)
        )
        assert len(seen) == passes
        assert ("data_contrast" in log) == (passes == 2)


def test_a_model_without_views_is_refused() -> None:
    model = LogisticRegression(**SIZES)
    with pytest.raises(UserError, match=r"no views to compare; set objective.name=cross-entropy"):
        CLMLFObjective().step(model, random_batch(model), torch.optim.SGD(model.parameters(), lr=0.1))
