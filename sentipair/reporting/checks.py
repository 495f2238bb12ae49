"""The parts of a report page that say how far its numbers hold: batching, looks at the test set, controls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sentipair.evaluation.invariance import batch_warning
from sentipair.evaluation.predict import BATCH_SIZE
from sentipair.reporting.run import Json, SeedRun
from sentipair.reporting.sections import HEADLINES

SHOWN = ("accuracy", "weighted_f1", "macro_f1")
"""Scores that are given for every condition."""


def checks(runs: Sequence[SeedRun]) -> Json:
    """The largest share of predictions that flip under each condition, and how often each test set was evaluated.

    Where predictions flip there is also a ``warning``, and in ``conditions`` the scores under each condition.
    """
    tests = [run.splits.get("test", {}) for run in runs]
    flips: dict[str, float] = {}
    for test in tests:
        for name, share in (test.get("flips") or {}).items():
            flips[name] = max(share, flips.get(name, 0.0))
    warning = batch_warning(flips)
    return {
        "flips": flips,
        "looks": [test["looks"] for test in tests if "looks" in test],
        "warning": warning,
        "conditions": _conditions([test for test in tests if "conditions" in test]) if warning else [],
    }


def controls(controls: Json, model: Json) -> Json | None:
    """A table of the test scores of the control classifiers, and of the ``model`` beneath them.

    Args:
        controls: control → its scores, the majority class first; empty where nothing is known of any.
        model: the model's scores under the same names.
    """
    if not controls or not model:
        return None
    columns = {key: name for key, name in HEADLINES.items() if key in controls["majority"]}
    return {"columns": columns, "rows": {**controls, "this model": {key: model.get(key) for key in columns}}}


def _conditions(tests: Sequence[Json]) -> list[Json]:
    """The usual scores and those under each condition, as means over the seeds."""
    if not tests:
        return []
    found = {f"batch size {BATCH_SIZE}": [test["metrics"] for test in tests]}
    found |= {name: [test["conditions"][name] for test in tests] for name in tests[0]["conditions"]}
    return [
        {"name": name, **{key: float(np.mean([one[key] for one in each])) for key in SHOWN}}
        for name, each in found.items()
    ]
