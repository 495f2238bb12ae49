"""Each member of an ensemble is trained as it would be alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch

from sentipair.models import CLIPCACG, QMF, SPPSCL, PairModel
from sentipair.models.ensemble import Ensemble
from sentipair.models.joint_space import towers_of
from sentipair.objectives import EachMember, Objective, QualityAware, SemiPushPull, TwoTowerFirst
from tests.models.cases import random_batch

CASES = {
    "quality-aware": (lambda: QMF(text_dim=12, image_dim=10), QualityAware),
    "semi-push-pull, published": (
        lambda: SPPSCL(text_dim=12, image_dim=10, fidelity="published"),
        lambda: SemiPushPull(alpha=1000, fidelity="published"),
    ),
}


def deterministic(build: Callable[[], PairModel], seed: int) -> PairModel:
    torch.manual_seed(seed)
    model = build()
    for part in model.modules():
        if hasattr(part, "threshold"):  # of dropout
            part.threshold = 0
    return model.train()


@pytest.mark.parametrize("case", CASES)
def test_a_member_learns_what_it_learns_alone(case: str) -> None:
    build, objective = CASES[case]
    alone = [deterministic(build, seed) for seed in (0, 1)]
    ensemble = Ensemble([deterministic(build, seed) for seed in (0, 1)])
    together = EachMember([objective(), objective()])
    assert learn(ensemble, together) == pytest.approx(
        [sum(pair) / 2 for pair in zip(*(learn(model, objective()) for model in alone), strict=True)]
    )
    for member, expected in zip(ensemble.members, alone, strict=True):
        for found, value in zip(member.state_dict().values(), expected.state_dict().values(), strict=True):
            torch.testing.assert_close(found, value)


def learn(model: PairModel, objective: Objective) -> list[float]:
    """The losses of four steps of AdamW."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
    batches = [random_batch(model, seed=seed) for seed in range(4)]
    objective.begin_epoch(model, 1)
    return [objective.step(model, batch, optimizer)["loss"] for batch in batches]


def test_stages_begin_for_every_member() -> None:
    build = partial(CLIPCACG, text_dim=12, image_dim=10, dim=8, heads=2, hidden=8, clip="two-tower")
    ensemble = Ensemble([deterministic(build, seed) for seed in (0, 1)])
    objective = EachMember([TwoTowerFirst(contrastive_epochs=2) for _ in range(2)])
    for epoch, chosen in ((1, False), (3, True)):
        objective.begin_epoch(ensemble, epoch)
        assert objective.selectable is chosen
        for member in ensemble.members:
            towers = towers_of(member)
            assert towers is not None
            assert {each.requires_grad for each in towers.parameters()} == {not chosen}


def test_what_must_survive_a_kill_is_kept_per_member() -> None:
    build, objective = CASES["quality-aware"]
    ensemble = Ensemble([deterministic(build, seed) for seed in (0, 1)])
    there = EachMember([objective(), objective()])
    learn(ensemble, there)
    again = EachMember([objective(), objective()])
    again.restore(there.state())
    assert again.state() == there.state()
    one, other = there.state()["members"]
    assert one != other
