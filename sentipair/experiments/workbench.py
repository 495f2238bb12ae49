"""The data of a configuration with its features: made once, shared by all seeds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sentipair.data import PairDataset, load_dataset
from sentipair.encoders import Encoders
from sentipair.experiments.facts import Facts, facts_of
from sentipair.features import FeatureStore, FeatureTable
from sentipair.models.persistence import ModelConfig
from sentipair.training.config import RunConfig


@dataclass(frozen=True)
class Workbench:
    """What runs with the same configuration share; everything is made at first use.

    Attributes:
        config: of the runs; the seed in it is not looked at.
        store: where features are kept.
    """

    config: RunConfig
    store: FeatureStore

    @cached_property
    def dataset(self) -> PairDataset:
        """The data with its splits."""
        data = self.config.data
        return load_dataset(
            data.source,
            root=None if data.root is None else Path(data.root),
            variant=data.variant,
            scheme=data.scheme,
            text_steps=data.text_steps,
            seed=data.split_seed,
        )

    @cached_property
    def facts(self) -> Facts:
        """The rows that are also in training, and the control classifiers."""
        return facts_of(self.dataset, self.store)

    @cached_property
    def encoders(self) -> Encoders:
        """The frozen networks."""
        chosen = self.config.encoders
        return Encoders(**chosen.networks(), engine=chosen.engine)

    @cached_property
    def model_config(self) -> ModelConfig:
        """The model with the dimensions that data and encoders give it."""
        known = {**self.config.model_settings, "classes": len(self.dataset.classes)}
        dims: dict[str, int] = {}
        for spec in self._model_config(known).build().requires:
            dims |= spec.source(self.encoders).dims
        return self._model_config({**known, **dims})

    @property
    def usable_splits(self) -> tuple[str, ...]:
        """The splits that training and evaluation can use: those in which a post has a label."""
        labelled = {pair.id for pair in self.dataset if pair.label is not None}
        return tuple(split for split, ids in self.dataset.splits.items() if not labelled.isdisjoint(ids))

    def table(self, split: str) -> FeatureTable:
        """The pairs of a split with the features that the model requires, extracted where they are missing."""
        return FeatureTable(
            self.dataset.split(split).pairs,
            classes=self.dataset.classes,
            specs=self.model_config.build().requires,
            encoders=self.encoders,
            store=self.store,
        )

    def extract(self) -> dict[str, FeatureTable]:
        """The tables of all usable splits; the features of the empty text are there too. Frees the encoders."""
        tables = {split: self.table(split) for split in self.usable_splits}
        for table in tables.values():
            table.without("text")
        self.encoders.release()
        return tables

    def _model_config(self, settings: dict[str, Any]) -> ModelConfig:
        return ModelConfig(
            model=self.config.model["name"],
            settings=settings,
            classes=self.dataset.classes,
            encoders=self.config.encoders.networks(),
            text_steps=self.dataset.text_steps,
        )
