"""The third contract: an objective owns the update of a model's parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from sentipair.errors import UserError
from sentipair.features import PairBatch
from sentipair.models import PairModel, PairOutput
from sentipair.settings import NonNegative, Rate


class Objective(ABC):
    """What is minimised and how: one call of ``step`` is one visit of a mini-batch.

    Constructors take keyword-only arguments; recipes set them by name.
    """

    name: ClassVar[str]
    selectable: bool = True
    """Whether the model may be kept as it is after this epoch; not so in a stage that leaves its classifier alone."""

    @abstractmethod
    def step(self, model: PairModel, batch: PairBatch, optimizer: Optimizer) -> dict[str, float]:
        """Update the model on ``batch``; returns named scalars for the log."""

    def begin_epoch(self, model: PairModel, epoch: int) -> None:  # noqa: B027 - most have no stages
        """Called before each epoch, counted from 1: for objectives that train in stages."""

    def state(self) -> dict[str, Any]:
        """What must survive a kill besides weights, as plain values for JSON; nothing for most objectives."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:  # noqa: B027 - most have no state
        """Go on from what ``state`` returned."""


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
    """Mean cross-entropy, and that of what each modality says alone, for models that say it.

    Args:
        label_smoothing: ε of Szegedy et al. 2016.
        unimodal_weight: of the unimodal cross-entropies, relative to that of the pair.
        own_labels: whether text and picture each learn the label that they have by themselves, where the data tell it,
            and not the pair's.
    """

    def __init__(
        self, *, label_smoothing: Rate = 0.0, unimodal_weight: NonNegative = 0.0, own_labels: bool = False
    ) -> None:
        self.label_smoothing = label_smoothing
        self.unimodal_weight = unimodal_weight
        self.own_labels = own_labels

    def step(self, model: PairModel, batch: PairBatch, optimizer: Optimizer) -> dict[str, float]:
        """One forward pass, one update."""
        output = model(batch)
        terms = self.terms(output, batch.labels, batch.unimodal_labels)
        loss = terms["cross_entropy"] + self.unimodal_weight * sum(
            value for name, value in terms.items() if name != "cross_entropy"
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.item(), **{name: value.item() for name, value in terms.items()}}

    def terms(
        self, output: PairOutput, labels: Tensor, own: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """The cross-entropies of the pair and, where they count, of each modality, by name.

        Args:
            output: of B pairs.
            labels: [B], class indices.
            own: ``"text"`` and ``"image"`` → [B], of each by itself; −1 where unknown.
        """
        said = {"cross_entropy": (output.logits, labels)}
        if self.unimodal_weight:
            for name, logits in (output.unimodal or {}).items():
                alone = (own or {}).get(name, labels) if self.own_labels else labels
                said[f"cross_entropy_{name}"] = logits, torch.where(alone < 0, labels, alone)
        return {
            name: cross_entropy(logits, targets, label_smoothing=self.label_smoothing)
            for name, (logits, targets) in said.items()
        }


def cross_entropy(logits: Tensor, labels: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy of logits [B, K] against class indices [B]."""
    return functional.cross_entropy(logits, labels, label_smoothing=label_smoothing)
