"""A model as a benchmark names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentipair.errors import UserError
from sentipair.models import model_class
from sentipair.models.ensemble import MEMBERS
from sentipair.rationales import LEXICON
from sentipair.training.config import RunConfig
from sentipair.training.recipes import configure, published_results

PLUGINS: Mapping[str, str] = {
    "rationales": "plugins.rationales=true",
    "ensemble": f"plugins.ensemble={MEMBERS}",
}
"""What goes around a model, by the name that it has here → the setting."""


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """``NAME`` or ``NAME:published``, with plug-ins ``+rationales``, ``+ensemble`` or both behind it.

    Attributes:
        name: as it was given.
        model: the registered name.
        fidelity: sound unless another is named.
        plugins: those of ``PLUGINS`` that go around the model.
    """

    name: str
    model: str
    fidelity: str
    plugins: tuple[str, ...]

    @classmethod
    def parse(cls, name: str) -> Entrant:
        """Read what a person wrote.

        Raises:
            UserError: a plug-in that does not exist, or twice the same.
        """
        variant, *plugins = name.split("+")
        if not set(plugins) <= PLUGINS.keys() or len(set(plugins)) < len(plugins):
            known = " and ".join(f"{variant}+{plugin}" for plugin in PLUGINS)
            raise UserError(f"{name}: the plug-ins are {known}, each at most once")
        model, _, fidelity = variant.partition(":")
        return cls(name=name, model=model, fidelity=fidelity or "sound", plugins=tuple(plugins))

    @property
    def adapted(self) -> bool:
        """Whether the model departs from its paper, see ``PairModel``."""
        return bool(model_class(self.model).adapted)

    def configure(self, data: str, *, overrides: Sequence[str] = (), **options: Any) -> RunConfig:
        """See ``recipes.configure``. With ``rationales`` the lexicon's, unless others are named."""
        lexicon = [f"data.rationales={LEXICON}"] if "rationales" in self.plugins else []
        wishes = [*lexicon, *(PLUGINS[plugin] for plugin in self.plugins), *overrides]
        return configure(self.model, data, fidelity=self.fidelity, overrides=wishes, **options)

    def published(self, data: str) -> Mapping[str, float]:
        """The first result on ``data`` that the model's recipe knows; with a plug-in it is another model's."""
        results = {} if self.plugins else published_results(self.model, data)
        return next(iter(results.values()), {})
