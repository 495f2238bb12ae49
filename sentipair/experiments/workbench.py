"""The data of a configuration with its features: made once, shared by all seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sentipair.data import PairDataset, load_dataset
from sentipair.data.traces import Traces, read_traces
from sentipair.devices import cores
from sentipair.encoders import Encoders
from sentipair.encoders.weights import revisions
from sentipair.errors import UserError
from sentipair.experiments.facts import Facts, facts_of
from sentipair.features import FeatureSpec, FeatureStore, FeatureTable, TextLayers
from sentipair.features.specs import RATIONALE, ImageSource, TextSource
from sentipair.models import PairModel, model_class, settings_of
from sentipair.models.persistence import ModelConfig
from sentipair.models.rationales import WithRationales
from sentipair.rationales import LEXICON, with_rationales
from sentipair.training.config import DataSettings, RunConfig

NARROW = {"text_dim": 384, "image_dim": 1280, "region_dim": 1280}
"""The widths of the packaged encoders' features."""


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
        """The data with its splits and rationales."""
        return open_dataset(self.config.data)

    @cached_property
    def facts(self) -> Facts:
        """The rows that are also in training, and the control classifiers."""
        return facts_of(self.dataset, self.store, self.traces)

    @cached_property
    def traces(self) -> list[Traces]:
        """What the encoders that the model reads were fine-tuned on, as far as is known."""
        sources = [spec.source(self.encoders) for spec in self.model_config.build().requires]
        encoders = [source.encoder for source in sources if isinstance(source, (TextSource, ImageSource))]
        folders = dict.fromkeys(encoder.folder for encoder in encoders)
        return [each for folder in folders for each in read_traces(folder)]

    @cached_property
    def encoders(self) -> Encoders:
        """The frozen networks."""
        chosen = self.config.encoders
        return Encoders(**chosen.networks(), engine=chosen.engine)

    @cached_property
    def model_config(self) -> ModelConfig:
        """The model with the dimensions that data and encoders give it."""
        return self._model_config({"classes": len(self.dataset.classes), **self.widths})

    @cached_property
    def widths(self) -> dict[str, int]:
        """Setting of a model → the width of the features that its encoder gives; of all that the model reads."""
        requires = self._model_config({"classes": len(self.dataset.classes)}).build().requires
        self._refuse_missing_rationales(requires)
        widths: dict[str, int] = {}
        for spec in requires:
            widths |= spec.source(self.encoders).dims
        return widths

    @cached_property
    def polarities(self) -> tuple[str, ...]:
        """What any of the posts has a rationale for."""
        return tuple(dict.fromkeys(polarity for pair in self.dataset for polarity in pair.rationales))

    @cached_property
    def revisions(self) -> dict[str, str]:
        """The digests of the weights of encoders that are local folders."""
        return revisions(self.config.encoders.networks())

    @property
    def threads(self) -> int:
        """How many to train with: one on features as narrow as those of the packaged encoders.

        On two cores a second one made an epoch of SPP-SCL on MVSA-Single a fifth shorter at best, and five times as
        long beside one other busy process, because the threads wait for each other at every layer.
        """
        heads_only = not self.config.plugins.finetune
        narrow = all(width <= NARROW.get(name, 0) for name, width in self.widths.items())
        return 1 if heads_only and narrow else cores()

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

    def _model_config(self, dims: dict[str, int]) -> ModelConfig:
        name = self.config.model["name"]
        return ModelConfig(
            model=name,
            settings={**self.config.model_settings, **_taken_by(model_class(name), dims)},
            classes=self.dataset.classes,
            encoders=self.config.encoders.networks(),
            text_steps=self.dataset.text_steps,
            plugins=self._plugins(dims),
            members=self.config.plugins.ensemble or 1,
            rationales=LEXICON if self.config.data.rationales == LEXICON else None,
            revisions=self.revisions,
        )

    def _plugins(self, dims: dict[str, int]) -> dict[str, dict[str, Any]]:
        """The arguments of each plug-in around one model, innermost first."""
        plugins: dict[str, dict[str, Any]] = {}
        if self.config.plugins.rationales:
            polarities = self.polarities or self.dataset.classes
            plugins["rationales"] = {"polarities": list(polarities), **_taken_by(WithRationales, dims)}
        if layers := self.config.plugins.finetune:
            chosen = self.config.encoders
            plugins["finetune"] = {
                "layers": dict(layers),
                "encoders": {"text": chosen.text, "image": chosen.image},
            }
        return plugins

    def _refuse_missing_rationales(self, requires: Sequence[FeatureSpec[Any]]) -> None:
        """Keep a model from training on rationales that no post has.

        Raises:
            UserError: it reads such.
        """
        read = [spec.of for spec in requires if isinstance(spec, TextLayers)]
        wanted = [name.removeprefix(RATIONALE) for name in read if name.startswith(RATIONALE)]
        if missing := [polarity for polarity in wanted if polarity not in self.polarities]:
            raise UserError(
                f"no post of {self.dataset.name} has a rationale for {' or '.join(missing)}; "
                "add --set data.rationales=lexicon, or a table instead of lexicon"
                + (f", or --set model.polarities=[{','.join(self.polarities)}]" if self.polarities else "")
            )


def open_dataset(data: DataSettings) -> PairDataset:
    """The data that the settings name, with its splits and rationales.

    Raises:
        UserError: it is not there, or cannot be understood.
    """
    dataset = load_dataset(
        data.source,
        root=None if data.root is None else Path(data.root),
        variant=data.variant,
        scheme=data.scheme,
        text_steps=data.text_steps,
        seed=data.split_seed,
    )
    return with_rationales(dataset, data.rationales)


def _taken_by(model: type[PairModel], dims: dict[str, int]) -> dict[str, int]:
    """Those of ``dims`` that the constructor takes: a model of pictures alone has no ``text_dim``."""
    return {name: value for name, value in dims.items() if name in settings_of(model)}
