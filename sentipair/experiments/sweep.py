"""A search for better settings, judged on validation data; every trial is a folder and is not done twice."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

from sentipair.devices import refuse_several_processes
from sentipair.errors import UserError
from sentipair.experiments.proposals import Trial, importances, propose
from sentipair.experiments.run import CONFIG
from sentipair.experiments.trials import SCORE, ValidationBench, setting, with_settings
from sentipair.experiments.workbench import Workbench
from sentipair.features import FeatureStore
from sentipair.files import alone_in, write_json
from sentipair.models import Range, model_class
from sentipair.progress import say
from sentipair.reporting.sweep import write_sweep_page
from sentipair.runs import read_json
from sentipair.training.config import RunConfig

SWEEP = "sweep.json"
PAGE = "sweep.html"


def search_space(config: RunConfig, *, fixed: Sequence[str] = ()) -> dict[str, Range]:
    """What a sweep over ``config`` varies: the model's search space without what is ``fixed``.

    Settings of another objective than the configured one take no part either.

    Raises:
        UserError: the model declares none, or nothing is left of it.
    """
    declared = model_class(config.model["name"]).search_space
    values = config.model_dump()
    there = {f"{part}.{name}" for part in ("model", "objective", "training") for name in values[part]}
    space = {name: span for name, span in declared.items() if name in there and name not in fixed}
    if not space:
        hint = (
            f"leave one of {', '.join(declared)} open" if declared else "its class declares no search_space"
        )
        raise UserError(f"there is nothing to search for {config.model['name']}; {hint}")
    return space


@dataclass(frozen=True)
class Sweep:
    """One sweep on disk.

    Attributes:
        config: what all trials have in common; its seed is not looked at.
        space: what they differ in, by dotted name.
        seeds: every trial is trained with each of them.
        folder: gets a ``trial-N`` per trial, ``sweep.json`` and ``sweep.html``.
        store: where features are kept.
    """

    config: RunConfig
    space: Mapping[str, Range]
    seeds: Sequence[int]
    folder: Path
    store: FeatureStore

    @cached_property
    def bench(self) -> ValidationBench:
        """Data and features, made at first use."""
        return ValidationBench(Workbench(self.config, self.store))

    def run(self, trials: int) -> dict[str, Any]:
        """Go on until there are ``trials`` trials or more; their score is the validation accuracy of the best epoch.

        A trial's settings depend on the trials before it alone, and it goes on where it was when it was killed; so a
        sweep that was stopped ends as an undisturbed one. A trial whose training fails has no score but a reason.

        Returns:
            The summary, as written to ``sweep.json``.

        Raises:
            UserError: Optuna is not installed, the data cannot be used, the folder holds another sweep, or another
                process is at work in it.
        """
        refuse_several_processes()
        with alone_in(self.folder):
            return self._run(trials)

    def _run(self, trials: int) -> dict[str, Any]:
        self._refuse_other_sweep()
        if not (self.folder / SWEEP).exists():
            write_json(self.folder / SWEEP, {"identity": self._identity()})
        past: list[Trial] = []
        for number in range(max(trials, self._finished())):
            folder = self._trial_folder(number)
            if not (folder / SCORE).exists():
                found = self.bench.train(self._config_of(number, past), self.seeds, folder)
                score = found["score"]
                said = found["failed"] if score is None else f"validation accuracy {score:.3f}"
                say(f"trial {number}: {said}")
            past.append(self._read(number))
        summary = self._summary(past)
        write_json(self.folder / SWEEP, summary)
        write_sweep_page(self.folder / PAGE, summary)
        return summary

    def rerun(self, number: int) -> dict[str, Any]:
        """Train a finished trial once more, from its ``config.yaml`` alone, in a folder ``rerun-N``.

        Returns:
            What ``ValidationBench.train`` found, and the ``recorded`` score.

        Raises:
            UserError: there is no such trial, the folder holds another sweep, or another process is at work in it.
        """
        with alone_in(self.folder):
            return self._rerun(number)

    def _rerun(self, number: int) -> dict[str, Any]:
        self._refuse_other_sweep()
        folder = self._trial_folder(number)
        if not (folder / SCORE).exists():
            raise UserError(
                f"there is no finished trial in {folder}; give the number of one, and the same --output"
            )
        again = self.folder / f"rerun-{number}"
        shutil.rmtree(again, ignore_errors=True)
        found = self.bench.train(RunConfig.read(folder / CONFIG), self.seeds, again)
        return {**found, "recorded": read_json(folder / SCORE)["score"]}

    def _finished(self) -> int:
        """How many trials there are, one behind the other."""
        return next(number for number in count() if not (self._trial_folder(number) / SCORE).exists())

    def _trial_folder(self, number: int) -> Path:
        return self.folder / f"trial-{number}"

    def _config_of(self, number: int, past: Sequence[Trial]) -> RunConfig:
        """The configuration of a trial: the one it was begun with, else a new proposal."""
        path = self._trial_folder(number) / CONFIG
        return (
            RunConfig.read(path) if path.exists() else with_settings(self.config, propose(self.space, past))
        )

    def _read(self, number: int) -> Trial:
        folder = self._trial_folder(number)
        config = RunConfig.read(folder / CONFIG)
        settings = {name: float(setting(config, name)) for name in self.space}
        return Trial(settings=settings, score=read_json(folder / SCORE)["score"])

    def _identity(self) -> dict[str, Any]:
        """What makes two sweeps the same, by the name under which a user knows it."""
        return {
            "settings": self.config.identity(),
            "data": f"{self.bench.dataset.fingerprint} {self.bench.dataset.own_labels}",
            "weights of the encoders": self.bench.bench.revisions,
            "seeds": [*self.seeds],
            "search space": {name: list(astuple(span)) for name, span in self.space.items()},
        }

    def _refuse_other_sweep(self) -> None:
        there = read_json(self.folder / SWEEP).get("identity")
        differing = [name for name, value in self._identity().items() if there and there.get(name) != value]
        if differing:
            raise UserError(
                f"{self.folder} holds a sweep with other {' and '.join(differing)}; choose another --output"
            )

    def _summary(self, past: Sequence[Trial]) -> dict[str, Any]:
        labels = self.bench.dataset.split("validation").label_indices()
        scored = [number for number, trial in enumerate(past) if trial.score is not None]
        return {
            "identity": self._identity(),
            "model": self.config.model["name"],
            "data": self.config.data.source,
            "trials": [{"settings": dict(trial.settings), "score": trial.score} for trial in past],
            "best": max(scored, key=lambda number: past[number].score or 0.0, default=None),
            "majority": max(Counter(labels).values()) / len(labels),
            "importances": importances(self.space, past),
        }
