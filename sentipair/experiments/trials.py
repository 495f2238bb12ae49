"""One trial of a sweep: a configuration, trained with some seeds and judged on validation data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sentipair.data import PairDataset
from sentipair.devices import at_most_threads
from sentipair.experiments.notices import about_data, about_features
from sentipair.experiments.run import CONFIG, fit_seed
from sentipair.experiments.workbench import Workbench
from sentipair.features import FeatureTable
from sentipair.files import write_json
from sentipair.models.persistence import WEIGHTS
from sentipair.progress import say
from sentipair.runs import seed_folder, seed_folders
from sentipair.training.checks import check_trainable
from sentipair.training.config import RunConfig, build_config
from sentipair.training.loop import CHECKPOINT, DivergenceError, best_epoch

SCORE = "trial.json"

DISPOSABLE = (CHECKPOINT, WEIGHTS)
"""What a finished trial does not keep: it can be trained again, and its weights are not worth their room."""


@dataclass(frozen=True)
class ValidationBench:
    """Trains trials on the data and features of one workbench; it never makes a test table."""

    bench: Workbench

    @property
    def dataset(self) -> PairDataset:
        """The data with its splits."""
        return self.bench.dataset

    @cached_property
    def tables(self) -> Mapping[str, FeatureTable]:
        """The training and the validation pairs.

        Raises:
            UserError: the data cannot be trained on.
        """
        check_trainable(self.dataset)
        for line in about_data(self.dataset):
            say(line)
        tables = {split: self.bench.table(split) for split in ("train", "validation")}
        self.bench.encoders.release()
        for line in about_features(tables.values(), self.bench.config.data):
            say(line)
        return tables

    def train(self, config: RunConfig, seeds: Sequence[int], folder: Path) -> dict[str, Any]:
        """Train ``config`` with each of ``seeds`` below ``folder``, or go on with it.

        Returns:
            ``score``, the mean over seeds of the best validation accuracy, and ``values``, one per seed; or a ``score``
            of None and ``failed``, the reason, where the training diverged. Also written to ``trial.json``.

        Raises:
            UserError: the data cannot be trained on, or a file cannot be read or written.
        """
        config.write(folder / CONFIG)
        tables = self.tables  # data that cannot be used is no fault of the trial
        try:
            with at_most_threads(self.bench.threads):
                values = [self._train_seed(config, seed, seed_folder(folder, seed), tables) for seed in seeds]
            found: dict[str, Any] = {"score": float(np.mean(values)), "values": values}
        except DivergenceError as error:
            found = {"score": None, "failed": str(error)}
        write_json(folder / SCORE, found)
        for name in DISPOSABLE:
            for path in (seed / name for seed in seed_folders(folder)):
                path.unlink(missing_ok=True)
        return found

    def _train_seed(
        self, config: RunConfig, seed: int, folder: Path, tables: Mapping[str, FeatureTable]
    ) -> float:
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(seed)
        settings = {**self.bench.model_config.settings, **config.model_settings}
        model = replace(self.bench.model_config, settings=settings).build(pretrained=True)
        history = fit_seed(self.bench, config.model_copy(update={"seed": seed}), model, folder, tables)
        return float(history[best_epoch(history) - 1]["validation"]["accuracy"])


def with_settings(config: RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    """``config`` with other values of settings, by dotted name such as ``training.learning_rate``.

    Raises:
        UserError: a setting that does not exist, or a value that does not fit.
    """
    values = config.model_dump()
    for name, value in settings.items():
        part, _, setting = name.partition(".")
        values[part] = {**values[part], setting: value}
    return build_config(values)


def setting(config: RunConfig, name: str) -> Any:
    """The value of a setting by its dotted name."""
    part, _, key = name.partition(".")
    return config.model_dump()[part][key]
