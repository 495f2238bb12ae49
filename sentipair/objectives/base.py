"""The third contract: an objective owns the update of a model's parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, TypeVar

from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from sentipair.errors import UserError
from sentipair.features import PairBatch
from sentipair.models import PairModel
from sentipair.settings import Rate


class Objective(ABC):
    """What is minimised and how: one call of ``step`` is one visit of a mini-batch.

    Constructors take keyword-only arguments; recipes set them by name.
    """

    name: ClassVar[str]

    @abstractmethod
    def step(self, model: PairModel, batch: PairBatch, optimizer: Optimizer) -> dict[str, float]:
        """Update the model on ``batch``; returns named scalars for the log."""


_REGISTRY: dict[str, type[Objective]] = {}

T = TypeVar("T", bound=type[Objective])


def register(name: str) -> Callable[[T], T]:
    """Class decorator: make an objective known under ``name``."""

    def add(objective: T) -> T:
        objective.name = name
        _REGISTRY[name] = objective
        return objective

    return add


def objective_class(name: str) -> type[Objective]:
    """The objective registered as ``name``.

    Raises:
        UserError: there is none.
    """
    if name not in _REGISTRY:
        raise UserError(f"no objective {name!r}; known: {', '.join(sorted(_REGISTRY))}")
    return _REGISTRY[name]


@register("cross-entropy")
class CrossEntropy(Objective):
    """Mean cross-entropy.

    Args:
        label_smoothing: ε of Szegedy et al. 2016.
    """

    def __init__(self, *, label_smoothing: Rate = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def step(self, model: PairModel, batch: PairBatch, optimizer: Optimizer) -> dict[str, float]:
        """One forward pass, one update."""
        loss = cross_entropy(model(batch).logits, batch.labels, label_smoothing=self.label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.item()}


def cross_entropy(logits: Tensor, labels: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy of logits [B, K] against class indices [B]."""
    return functional.cross_entropy(logits, labels, label_smoothing=label_smoothing)
