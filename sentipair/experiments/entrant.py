"""A model as a benchmark names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentipair.errors import UserError
from sentipair.models import model_class
from sentipair.rationales import LEXICON
from sentipair.training.config import RunConfig
from sentipair.training.recipes import configure, published_results

PLUGIN = "rationales"


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """``NAME``, ``NAME:published``, ``NAME+rationales`` (with the plug-in of ``models/rationales.py``), or all of it.

    Attributes:
        name: as it was given.
        model: the registered name.
        fidelity: sound unless another is named.
        rationales: whether the model sees the rationales of the posts.
    """

    name: str
    model: str
    fidelity: str
    rationales: bool

    @classmethod
    def parse(cls, name: str) -> Entrant:
        """Read what a person wrote.

        Raises:
            UserError: a plug-in that does not exist.
        """
        variant, plus, plugin = name.partition("+")
        if plus and plugin != PLUGIN:
            raise UserError(f"{name}: the only plug-in is {variant}+{PLUGIN}")
        model, _, fidelity = variant.partition(":")
        return cls(name=name, model=model, fidelity=fidelity or "sound", rationales=bool(plus))

    @property
    def adapted(self) -> bool:
        """Whether the model departs from its paper, see ``PairModel``."""
        return bool(model_class(self.model).adapted)

    def configure(self, data: str, *, overrides: Sequence[str] = (), **options: Any) -> RunConfig:
        """See ``recipes.configure``. With the plug-in the lexicon's rationales, unless others are named."""
        wishes = [f"data.rationales={LEXICON}", *overrides, "plugins.rationales=true"]
        return configure(
            self.model,
            data,
            fidelity=self.fidelity,
            overrides=wishes if self.rationales else overrides,
            **options,
        )

    def published(self, data: str) -> Mapping[str, float]:
        """The first result on ``data`` that the model's recipe knows; with a plug-in it is another model's."""
        results = {} if self.rationales else published_results(self.model, data)
        return next(iter(results.values()), {})
