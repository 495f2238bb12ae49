"""The second contract: a model says what it needs and never touches files. And the registry of models."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatch
from typing import Any, ClassVar, Literal, TypeVar

from torch import Tensor, nn

from sentipair.errors import UserError
from sentipair.features import FeatureSpec, PairBatch

Fidelity = Literal["sound", "published"]


@dataclass(frozen=True, kw_only=True)
class PairOutput:
    """What a model says of B pairs; everything but ``logits`` is there only where the model has it.

    Attributes:
        logits: [B, K], unnormalised scores per class.
        image: [B, D], the picture in the shared embedding space.
        text: [B, D], the text in the shared embedding space.
        fused: [B, F], what the classifier sees.
        unimodal: ``"text"`` and ``"image"`` → [B, K], unnormalised scores from one modality alone.
        views: ``"original"`` and ``"augmented"`` → [B, D], what is compared where this pass is one of two over a post.
        attention: name → weights, for explanations.
    """

    logits: Tensor
    image: Tensor | None = None
    text: Tensor | None = None
    fused: Tensor | None = None
    unimodal: Mapping[str, Tensor] | None = None
    views: Mapping[str, Tensor] | None = None
    attention: Mapping[str, Tensor] | None = None


@dataclass(frozen=True)
class Range:
    """Values of a setting that are worth trying, evenly or, with ``log``, evenly in the logarithm."""

    low: float
    high: float
    log: bool = False


class PairModel(nn.Module, ABC):
    """A classifier of pairs on stored features.

    Constructors take keyword-only arguments with the paper's values as defaults; among them ``classes`` and those of
    ``text_dim`` and ``image_dim`` that the model uses, which are filled in from the data and the encoders.

    Attributes:
        adapted: where the model departs from its paper even in the published fidelity, in one sentence: other inputs,
            frozen encoders, parts that had to be reconstructed. Lists and leaderboards mark such a model.
        search_space: what `sentipair sweep` varies, by dotted name such as ``training.learning_rate``; settings that
            change which features the model requires do not belong here.
        expansion: how many times as large as the features of a pair what is computed from them gets, about; 1 for
            heads on features.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    adapted: ClassVar[str] = ""
    search_space: ClassVar[Mapping[str, Range]] = {}
    expansion: ClassVar[int] = 1

    @property
    @abstractmethod
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The features that ``forward`` reads."""

    @abstractmethod
    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs."""

    def embed(self, batch: PairBatch) -> tuple[Tensor | None, Tensor | None]:
        """The texts and the pictures in the shared embedding space [B, D], where the model has one.

        By ``forward``; models that can embed without the rest of it override this.
        """
        output: PairOutput = self(batch)
        return output.text, output.image


_REGISTRY: dict[str, type[PairModel]] = {}

M = TypeVar("M", bound=PairModel)


def register(name: str) -> Callable[[type[M]], type[M]]:
    """Class decorator: make a model known under ``name``."""

    def add(model: type[M]) -> type[M]:
        model.name = name
        _REGISTRY[name] = model
        return model

    return add


def list_models(pattern: str = "*") -> list[str]:
    """Names of the registered models that match a glob."""
    return sorted(name for name in _REGISTRY if fnmatch(name, pattern))


def model_class(name: str) -> type[PairModel]:
    """The model registered as ``name``.

    Raises:
        UserError: there is none; the message suggests the nearest name.
    """
    if name not in _REGISTRY:
        near = get_close_matches(name, _REGISTRY, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(_REGISTRY))}"
        raise UserError(f"no model {name!r}; {hint}")
    return _REGISTRY[name]


def settings_of(model: type[PairModel]) -> dict[str, inspect.Parameter]:
    """The constructor's arguments by name."""
    return {k: p for k, p in inspect.signature(model).parameters.items() if p.kind is p.KEYWORD_ONLY}
