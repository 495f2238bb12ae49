"""An objective for each member of an ensemble, one after the other (see ``models/ensemble.py``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from torch.optim import Optimizer

from sentipair.features import PairBatch
from sentipair.models import PairModel
from sentipair.models.ensemble import Ensemble
from sentipair.objectives.base import Objective


class EachMember(Objective):
    """Updates every member as its objective does without the others.

    Args:
        objectives: one per member, with the same settings.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self.objectives = list(objectives)

    def begin_epoch(self, model: PairModel, epoch: int) -> None:
        """For each member."""
        for objective, member in self._pairs(model):
            objective.begin_epoch(member, epoch)
        self.selectable = all(objective.selectable for objective in self.objectives)

    def step(self, model: PairModel, batch: PairBatch, optimizer: Optimizer) -> dict[str, float]:
        """One visit of the batch by each member; returns the means of what they report."""
        logs = []
        for objective, member in self._pairs(model):
            optimizer.zero_grad()  # a parameter without gradient stays as it is
            logs.append(objective.step(member, batch, optimizer))
        return {name: fmean(log[name] for log in logs) for name in logs[0]}

    def state(self) -> dict[str, Any]:
        """That of each member's objective."""
        return {"members": [objective.state() for objective in self.objectives]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state`` returned."""
        for objective, member in zip(self.objectives, state["members"], strict=True):
            objective.restore(member)

    def _pairs(self, model: PairModel) -> list[tuple[Objective, PairModel]]:
        assert isinstance(model, Ensemble)
        return list(zip(self.objectives, model.members, strict=True))  # type: ignore[arg-type]
