"""Which settings to try next: a tree-structured Parzen estimator (Bergstra et al. 2011), by Optuna."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sentipair.errors import UserError
from sentipair.models import Range

if TYPE_CHECKING:
    import optuna

ENOUGH = 10
"""Scores below which nothing is said of what matters; it is also the number of random trials at the start."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A finished trial; ``score`` is None where the training failed."""

    settings: Mapping[str, float]
    score: float | None


def propose(space: Mapping[str, Range], past: Sequence[Trial]) -> dict[str, float]:
    """Settings for the next trial; they depend on ``space`` and ``past`` alone.

    The sampler is made anew for every trial and seeded by its number, so nothing of it has to be stored.

    Raises:
        UserError: Optuna is not installed.
    """
    return dict(_study(space, past).ask(_distributions(space)).params)


def importances(space: Mapping[str, Range], past: Sequence[Trial]) -> dict[str, float]:
    """Share of the good scores' difference that each setting accounts for (PED-ANOVA, Watanabe et al. 2023).

    The most important first; empty for fewer than ``ENOUGH`` scores, or where all are equal.
    """
    scores = [trial.score for trial in past if trial.score is not None]
    if len(scores) < ENOUGH or len({*scores}) < 2:
        return {}
    found = _optuna().importance.get_param_importances(_study(space, past))
    return {name: float(share) for name, share in found.items()}


def _study(space: Mapping[str, Range], past: Sequence[Trial]) -> optuna.Study:
    library = _optuna()
    sampler = library.samplers.TPESampler(seed=len(past), n_startup_trials=ENOUGH)
    study: optuna.Study = library.create_study(direction="maximize", sampler=sampler)
    states = library.trial.TrialState
    study.add_trials(
        library.trial.create_trial(
            params=dict(trial.settings),
            distributions=_distributions(space),
            value=trial.score,
            state=states.FAIL if trial.score is None else states.COMPLETE,
        )
        for trial in past
    )
    return study


def _distributions(space: Mapping[str, Range]) -> dict[str, Any]:
    float_range = _optuna().distributions.FloatDistribution
    return {name: float_range(span.low, span.high, log=span.log) for name, span in space.items()}


def _optuna() -> Any:
    try:
        library = import_module("optuna")
    except ImportError as error:
        raise UserError('a sweep needs Optuna; run pip install "sentipair[hpo]"') from error
    library.logging.set_verbosity(library.logging.WARNING)
    return library
