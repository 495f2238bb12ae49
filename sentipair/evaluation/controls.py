"""Control classifiers: how far do cues that should not matter go? Their scores stand beside every result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sentipair.data import Pair, PairDataset
from sentipair.data.cues import TEXT_CUES, Surface
from sentipair.data.duplicates import Pictures, keys_of
from sentipair.data.pair import SPLITS
from sentipair.evaluation.metrics import evaluate_predictions
from sentipair.progress import track

Controls = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Control → split → score → value; the first control is ``majority``, the last ``all``."""

MARGIN = 0.05
"""A control that beats the majority class by more than this in accuracy is an artefact to be told of."""


def control_scores(dataset: PairDataset, pictures: Pictures) -> Controls:
    """Scores of logistic regressions that see one family of cues each, and of one that sees all.

    The texts are taken as the data set has them, that is, as a model sees them. Trained on the training split
    (standardised, scikit-learn's defaults; pairs without a picture get the mean of the others) and evaluated
    on the other splits by accuracy, weighted and macro F1, and binary F1 where there are two classes.
    Empty where there are no two labelled classes to train on, or no labelled rows to evaluate.
    """
    parts = {name: _labelled(dataset.split(name).pairs) for name in SPLITS if name in dataset.splits}
    train = parts.pop("train", ())
    held_out = {name: pairs for name, pairs in parts.items() if pairs}
    targets = {name: _targets(pairs, dataset.classes) for name, pairs in {"train": train, **held_out}.items()}
    if len(np.unique(targets["train"])) < 2 or not held_out:
        return {}
    cues = {name: cue_families(pairs, pictures) for name, pairs in {"train": train, **held_out}.items()}
    families = [*cues["train"], "all"]
    controls = {
        "majority": {name: _majority_scores(targets[name], dataset.classes) for name in held_out},
    }
    for family in track(families, "training controls"):
        seen = {name: _columns(found, family) for name, found in cues.items()}
        model = make_pipeline(
            SimpleImputer(keep_empty_features=True), StandardScaler(), LogisticRegression(max_iter=1000)
        ).fit(seen["train"], targets["train"])
        controls[family] = {
            name: _scores(targets[name], model.predict(seen[name]), dataset.classes) for name in held_out
        }
    return controls


def cue_families(pairs: Sequence[Pair], pictures: Pictures) -> dict[str, NDArray[np.float64]]:
    """The cues [N, C] of each family; ``picture`` is there if any picture was read, NaN for pairs without."""
    found = {
        name: np.array([cues(pair.text) for pair in pairs], dtype=np.float64)
        for name, cues in TEXT_CUES.items()
    }
    if pictures:
        absent = (np.nan,) * len(Surface._fields)
        keys = keys_of(pairs, pictures)
        found["picture"] = np.array([absent if key is None else key.surface for key in keys])
    return found


def telling(controls: Controls) -> list[str]:
    """A line for every control that does far better than the majority class on the last split, the test."""
    lines = []
    for family, scores in controls.items():
        split = list(scores)[-1]
        accuracy, floor = scores[split]["accuracy"], controls["majority"][split]["accuracy"]
        if accuracy > floor + MARGIN:
            seen = "all of these together give" if family == "all" else f"{family} alone gives"
            lines.append(
                f"{seen} {split} accuracy {accuracy:.3f}, the majority class {floor:.3f}; "
                "a model that sees them need not have understood a post"
            )
    return lines


def _labelled(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    return tuple(pair for pair in pairs if pair.label is not None)


def _targets(pairs: Sequence[Pair], classes: Sequence[str]) -> NDArray[np.int64]:
    return np.array([classes.index(str(pair.label)) for pair in pairs], dtype=np.int64)


def _columns(cues: Mapping[str, NDArray[np.float64]], family: str) -> NDArray[np.float64]:
    return np.hstack(list(cues.values())) if family == "all" else cues[family]


def _majority_scores(targets: NDArray[np.int64], classes: Sequence[str]) -> dict[str, float]:
    most = int(np.bincount(targets).argmax())
    return _scores(targets, np.full_like(targets, most), classes)


def _scores(
    targets: NDArray[np.int64], predictions: NDArray[np.int64], classes: Sequence[str]
) -> dict[str, float]:
    metrics = evaluate_predictions(targets, predictions, classes)
    names = ("accuracy", "weighted_f1", "macro_f1", "binary_f1")
    return {name: value for name in names if (value := getattr(metrics, name)) is not None}
