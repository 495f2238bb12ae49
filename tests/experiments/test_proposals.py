"""Proposals for trials: a function of the trials before, inside the ranges, and better than chance."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping

import pytest

from sentipair.errors import UserError
from sentipair.experiments.proposals import ENOUGH, Trial, importances, propose
from sentipair.models import Range

SPACE = {"a": Range(0.0, 1.0), "b": Range(1e-4, 1.0, log=True)}


def quality(settings: Mapping[str, float]) -> float:
    return -((settings["a"] - 0.3) ** 2) - abs(math.log10(settings["b"]) + 2)


def search(trials: int, past: list[Trial] | None = None) -> list[Trial]:
    found = list(past or [])
    while len(found) < trials:
        settings = propose(SPACE, found)
        found.append(Trial(settings=settings, score=quality(settings)))
    return found


def test_a_search_depends_on_its_trials_alone() -> None:
    whole = search(16)
    assert search(16, past=whole[:12]) == whole
    assert len({trial.settings["a"] for trial in whole}) == 16
    other = [Trial(settings=trial.settings, score=-(trial.score or 0)) for trial in whole]
    assert propose(SPACE, other) != propose(SPACE, whole)


def test_proposals_stay_in_their_ranges_and_the_logarithm_is_even() -> None:
    found = [
        propose(SPACE, search(0) + [Trial(settings={"a": 0.5, "b": 0.1}, score=None)] * n) for n in range(60)
    ]
    for name, span in SPACE.items():
        assert all(span.low <= settings[name] <= span.high for settings in found)
    assert 15 <= sum(settings["b"] < 1e-2 for settings in found) <= 45


def test_later_trials_are_better() -> None:
    scores = [trial.score or 0.0 for trial in search(40)]
    assert sum(scores[20:]) / 20 > sum(scores[:ENOUGH]) / ENOUGH


def test_trials_without_a_score_count_but_do_not_lead() -> None:
    failed = [Trial(settings={"a": 0.9, "b": 0.9}, score=None)] * 15
    assert 0 <= propose(SPACE, failed)["a"] <= 1
    assert importances(SPACE, failed) == {}


def test_what_matters_is_known_from_enough_trials_on() -> None:
    past = [
        Trial(settings=trial.settings, score=-abs(math.log10(trial.settings["b"]) + 2))
        for trial in search(30)
    ]
    shares = importances(SPACE, past)
    assert next(iter(shares)) == "b"
    assert sum(shares.values()) == pytest.approx(1)
    assert importances(SPACE, past[: ENOUGH - 1]) == {}
    assert importances(SPACE, [Trial(settings=trial.settings, score=0.5) for trial in past]) == {}


def test_without_optuna_the_install_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r'pip install "sentipair\[hpo\]"'):
        propose(SPACE, [])
