"""The losses of QMF against loops over pairs, and its histories over steps and a kill."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from torch import Tensor

from sentipair.errors import UserError
from sentipair.models import QMF, LogisticRegression
from sentipair.models.qmf import confidence
from sentipair.objectives import QualityAware
from sentipair.objectives.quality_aware import rank_loss, relative_history
from tests.models.cases import random_batch, take

SIZES = {"classes": 3, "text_dim": 12, "image_dim": 10}


def build(fidelity: str = "sound") -> QMF:
    torch.manual_seed(0)
    return QMF(**SIZES, fidelity=fidelity)


def sgd(model: torch.nn.Module) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), lr=0.1)


def by_hand(confidences: Tensor, history: list[float], *, published: bool) -> float:
    total = 0.0
    for i in range(len(history)):
        j = (i + 1) % len(history)
        gap = abs(history[i] - history[j])
        if history[i] == history[j]:
            continue
        harder, easier = (i, j) if history[i] > history[j] else (j, i)
        lead = (confidences[harder] - confidences[easier]).item()
        total += max(0.0, lead - gap if published else lead + gap)
    return total / len(history)


@pytest.mark.parametrize("published", [True, False])
def test_rank_loss(published: bool) -> None:
    torch.manual_seed(0)
    for pairs in (1, 2, 7):
        confidences, history = torch.randn(pairs), torch.rand(pairs)
        history[-1] = history[0]  # neighbours around the end are alike
        value = rank_loss(confidences, history, published=published)
        expected = by_hand(confidences, history.tolist(), published=published)
        torch.testing.assert_close(value, torch.tensor(expected))


def test_the_easier_post_must_be_ahead_by_the_difference() -> None:
    history = torch.tensor([1.0, 0.4])
    assert rank_loss(torch.tensor([0.0, 0.6]), history) == pytest.approx(0)
    assert rank_loss(torch.tensor([0.0, 0.5]), history) == pytest.approx(0.1)
    assert rank_loss(torch.tensor([0.5, 0.0]), history, published=True) == 0  # content with the wrong order


def test_histories_are_relative_to_all_posts() -> None:
    history = {"a": 1.0, "b": 3.0, "c": 5.0}
    assert relative_history(history, ["b", "c"]).tolist() == [0.5, 1.0]
    assert relative_history({"a": 2.0, "b": 2.0}, ["a", "b"]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("fidelity", ["sound", "published"])
def test_the_loss_and_the_histories_over_two_steps(fidelity: str) -> None:
    model, objective = build(fidelity).eval(), QualityAware(rank_weight=0.5, fidelity=fidelity)
    batch = random_batch(model)
    seen = {"text": [0.0] * 8, "image": [0.0] * 8}
    published = fidelity == "published"
    for rows in (range(8), [6, 2, 4]):
        part = take(batch, rows)
        output = model(part)
        expected = torch.nn.functional.cross_entropy(output.logits, part.labels).item()
        for name, logits in output.unimodal.items():
            losses = [-logits[k].log_softmax(0)[label].item() for k, label in enumerate(part.labels)]
            for row, loss in zip(rows, losses, strict=True):
                seen[name][row] += loss
            low, high = min(seen[name]), max(seen[name])
            history = [(seen[name][row] - low) / (high - low) for row in rows]
            sure = confidence(logits, published=published)
            expected += sum(losses) / len(losses) + 0.5 * by_hand(sure, history, published=published)
        log = objective.step(model, part, sgd(model))
        assert log["loss"] == pytest.approx(expected, rel=1e-4)


def test_every_term_moves_the_classifiers() -> None:
    settings = ({"unimodal_weight": 0.0, "rank_weight": 0.0}, {"rank_weight": 0.0}, {})
    weights = []
    for each in settings:
        model = build().eval()
        QualityAware(**each).step(model, random_batch(model), sgd(model))
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert (weights[0] - weights[1]).abs().max() > 1e-3
    assert (weights[1] - weights[2]).abs().max() > 1e-5


def test_histories_survive_a_kill() -> None:
    model, objective = build(), QualityAware()
    batch = random_batch(model)
    objective.step(model, batch, sgd(model))
    again = copy.deepcopy(model)
    resumed = QualityAware()
    resumed.restore(json.loads(json.dumps(objective.state())))
    first, second = (
        o.step(m, batch, sgd(m)) for o, m in ((objective, model.eval()), (resumed, again.eval()))
    )
    assert first == second
    assert QualityAware().step(again, batch, sgd(again)) != second  # a forgotten history would show


def test_a_model_without_opinions_of_the_modalities_is_refused() -> None:
    model = LogisticRegression(**SIZES)
    with pytest.raises(UserError, match=r"set objective.name=cross-entropy"):
        QualityAware().step(model, random_batch(model), sgd(model))
