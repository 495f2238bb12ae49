"""May these runs be compared? Finished, on the same posts with the same labels, and with files that nobody altered."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

import numpy as np

from sentipair.errors import UserError
from sentipair.evaluation.metrics import Metrics, evaluate_predictions, headline
from sentipair.reporting.run import Json, Predictions, SeedRun

DATA_SETTINGS = ("source", "variant", "scheme", "split_seed", "text_steps")
"""What may make two runs' data differ, in the order in which it is named as the reason."""


def checked_predictions(run: SeedRun, split: str = "test") -> Predictions:
    """The predictions of a finished run, after making sure that they give the scores in its ``result.json``.

    Raises:
        UserError: the run is unfinished, or its prediction file is missing, damaged or altered.
    """
    if not run.result:
        raise UserError(f"{run.folder} is not a finished run; repeat its `sentipair train` to go on with it")
    remedy = f"run `sentipair evaluate {run.folder} --split {split}`"
    predictions = run.predictions(split)
    if predictions is None or split not in run.splits:
        raise UserError(f"{run.folder} has no scores on {split}; {remedy}")
    if not _gives(predictions, run.splits[split]):
        raise UserError(
            f"predictions-{split}.parquet in {run.folder} does not give the scores in its result.json, "
            f"so one of them was altered; {remedy}"
        )
    return predictions


def refuse_unlike(one: Sequence[SeedRun], other: Sequence[SeedRun], split: str = "test") -> None:
    """Make sure that two systems, each with the runs of its seeds, may be compared on a split.

    Raises:
        UserError: an unfinished run, a missing or altered prediction file, other data, other posts or other labels.
    """
    first = one[0]
    expected = checked_predictions(first, split)
    for run in (*one[1:], *other):
        reason = _other_data(first, run) or _other_rows(expected, checked_predictions(run, split))
        if reason:
            raise UserError(f"{first.folder} and {run.folder} cannot be compared: {reason}")


def _gives(predictions: Predictions, recorded: Json) -> bool:
    """Whether the predictions have the ``recorded`` scores, on all rows and on the clean ones."""
    classes = [row["name"] for row in recorded["metrics"]["per_class"]]
    labels = {row.label for row in predictions.rows if row.label is not None}
    named = labels | {row.prediction for row in predictions.rows}
    if not labels or predictions.classes != tuple(classes) or not named <= {*classes}:
        return False
    targets, answers = predictions.label_indices(), predictions.prediction_indices()
    labelled, clean = targets >= 0, (targets >= 0) & predictions.clean_rows()
    if not _same_scores(
        evaluate_predictions(targets[labelled], answers[labelled], classes), recorded["metrics"]
    ):
        return False
    if not recorded.get("clean"):
        return bool((clean == labelled).all() or not clean.any())
    return bool(clean.any()) and _same_scores(
        evaluate_predictions(targets[clean], answers[clean], classes), recorded["clean"]["metrics"]
    )


def _same_scores(found: Metrics, recorded: Json) -> bool:
    names = headline(len(found.per_class))
    same = all(isclose(getattr(found, name), recorded[name], abs_tol=1e-9) for name in names)
    return same and np.array_equal(found.confusion, recorded["confusion"])


def _other_data(one: SeedRun, other: SeedRun) -> str | None:
    """Why the data of two runs is not the same, None where it is."""
    fingerprints = [run.environment.get("posts") for run in (one, other)]
    if None in fingerprints:
        return "environment.json, which says what data it is, is missing in one of them"
    if fingerprints[0] == fingerprints[1]:
        return None
    for name in DATA_SETTINGS:
        values = [(run.config.get("data") or {}).get(name) for run in (one, other)]
        if values[0] != values[1]:
            return f"data.{name} is {values[0]!r} and {values[1]!r}"
    return "their data has the same settings but other contents"


def _other_rows(one: Predictions, other: Predictions) -> str | None:
    """Why the posts of two prediction files are not the same, None where they are."""
    if one.classes != other.classes:
        return f"their classes are {', '.join(one.classes)} and {', '.join(other.classes)}"
    if [row.id for row in one.rows] != [row.id for row in other.rows]:
        return "their prediction files list other posts, or in another order"
    differing = [a.id for a, b in zip(one.rows, other.rows, strict=True) if a.label != b.label]
    if differing:
        return f"{len(differing)} posts have other labels, such as {differing[0]}"
    if [row.clean for row in one.rows] != [row.clean for row in other.rows]:
        return "they count other posts as clean"
    return None
