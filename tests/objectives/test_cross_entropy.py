"""Cross-entropy, and objectives by name."""

from __future__ import annotations

import math

import pytest
import torch

from sentipair.errors import UserError
from sentipair.features import PairBatch
from sentipair.models import PairModel, PairOutput
from sentipair.objectives import CrossEntropy, SemiPushPull, objective_class
from sentipair.objectives.base import cross_entropy
from sentipair.settings import validate_settings


class Logits(PairModel):
    """Logits as parameters."""

    requires = ()

    def __init__(self) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(torch.tensor([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]]))

    def forward(self, batch: PairBatch) -> PairOutput:
        return PairOutput(logits=self.logits)


def by_hand(logits: list[float], label: int, smoothing: float) -> float:
    log_shares = [x - math.log(sum(map(math.exp, logits))) for x in logits]
    return -(1 - smoothing) * log_shares[label] - smoothing * sum(log_shares) / len(logits)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_by_hand(smoothing: float) -> None:
    logits = Logits().logits.detach()
    expected = (by_hand(logits[0].tolist(), 2, smoothing) + by_hand(logits[1].tolist(), 0, smoothing)) / 2
    found = cross_entropy(logits, torch.tensor([2, 0]), label_smoothing=smoothing)
    assert found.item() == pytest.approx(expected)


def test_a_step_moves_down_the_gradient_and_forgets_the_last_one() -> None:
    model, batch = Logits(), PairBatch(ids=("a", "b"), labels=torch.tensor([0, 1]), features={})
    model.logits.grad = torch.full((2, 3), 1e6)  # left over
    before = model.logits.detach().clone()
    log = CrossEntropy().step(model, batch, torch.optim.SGD(model.parameters(), lr=1.0))
    loss = pytest.approx((by_hand([2, 0, -1], 0, 0) + math.log(3)) / 2)
    assert log == {"loss": loss, "cross_entropy": loss}
    expected = (before.softmax(-1) - torch.eye(3)[[0, 1]]) / 2
    torch.testing.assert_close(before - model.logits.detach(), expected)


class Opinions(Logits):
    """The text alone says half of the logits, the picture alone nothing."""

    def forward(self, batch: PairBatch) -> PairOutput:
        alone = {"text": self.logits / 2, "image": 0 * self.logits}
        return PairOutput(logits=self.logits, unimodal=alone)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_what_each_modality_says_counts_with_its_weight(smoothing: float) -> None:
    model, batch = Opinions(), PairBatch(ids=("a", "b"), labels=torch.tensor([0, 1]), features={})

    def mean(scale: float) -> float:
        rows = zip(model.logits.tolist(), [0, 1], strict=True)
        return sum(by_hand([scale * x for x in row], label, smoothing) for row, label in rows) / 2

    expected = mean(1) + 0.3 * (mean(0.5) + mean(0))
    objective = CrossEntropy(label_smoothing=smoothing, unimodal_weight=0.3)
    log = objective.step(model, batch, torch.optim.SGD(model.parameters(), lr=1.0))
    assert log["loss"] == pytest.approx(expected)
    assert log.keys() == {"loss", "cross_entropy", "cross_entropy_text", "cross_entropy_image"}


@pytest.mark.parametrize("own_labels", [True, False])
def test_each_modality_learns_its_own_label_if_wished(own_labels: bool) -> None:
    own = {
        "text": torch.tensor([2, -1])
    }  # of the second text, and of the pictures, only the pair's label is known
    batch = PairBatch(ids=("a", "b"), labels=torch.tensor([0, 1]), features={}, unimodal_labels=own)
    model = Opinions()
    half = (model.logits / 2).tolist()
    expected = (by_hand(half[0], 2 if own_labels else 0, 0) + by_hand(half[1], 1, 0)) / 2
    objective = CrossEntropy(unimodal_weight=1, own_labels=own_labels)
    log = objective.step(model, batch, torch.optim.SGD(model.parameters(), lr=1.0))
    assert log["cross_entropy_text"] == pytest.approx(expected)
    assert log["cross_entropy_image"] == pytest.approx(math.log(3))
    assert log["loss"] == pytest.approx(sum(value for name, value in log.items() if name != "loss"))


def test_objectives_are_found_by_name() -> None:
    assert objective_class("cross-entropy") is CrossEntropy
    assert objective_class("semi-push-pull") is SemiPushPull
    with pytest.raises(
        UserError, match=r"no objective 'cross entropy'; known: .*cross-entropy, .*semi-push-pull"
    ):
        objective_class("cross entropy")


@pytest.mark.parametrize("name", ["cross-entropy", "semi-push-pull"])
def test_defaults_are_valid_settings(name: str) -> None:
    objective = objective_class(name)
    assert isinstance(objective(**validate_settings(objective, {}, "objective")), objective)


@pytest.mark.parametrize("setting", [{"temperature": 0}, {"alpha": -1}, {"alpha": float("inf")}])
def test_settings_that_make_no_sense_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(UserError, match=f"objective.{next(iter(setting))}: "):
        validate_settings(SemiPushPull, setting, "objective")
