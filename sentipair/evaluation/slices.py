"""Where does a model succeed? Scores on parts of a split, and with the picture or the text withheld."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from torch import Tensor

from sentipair.data.labels import disagree
from sentipair.data.pair import OTHER, Modality, Pair
from sentipair.evaluation.bootstrap import Interval
from sentipair.evaluation.metrics import evaluate_predictions
from sentipair.evaluation.predict import predict
from sentipair.features import FeatureTable
from sentipair.models import PairModel

Indices = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]

FEWEST = 10
"""Posts that an interval needs; that of fewer says hardly anything."""

OPPOSITE = {"positive", "negative"}
LENGTHS = {"up to 10": (0, 10), "11 to 20": (11, 20), "over 20": (21, float("inf"))}
"""Words, separated by blanks, of the short, middle and long texts; always the same so that data sets compare."""
WORDS: Mapping[Modality, str] = {"image": "picture", "text": "text"}


class Slice(NamedTuple):
    """Some posts of a split: ``by`` what they were chosen, the ``name`` of the choice, and which they are [N]."""

    by: str
    name: str
    rows: Mask


def describe_slices(
    model: PairModel, table: FeatureTable, *, predictions: Indices, classes: Sequence[str], temperature: float
) -> list[dict[str, Any]]:
    """Scores of every slice of ``table``, then of all its posts with one modality withheld.

    With the text withheld every text is the empty one, with the picture withheld no post has one: the model sees what
    it would see of such posts. Its answers are compared with the label of the pair (``withheld``) and, where the data
    tell, with the one that the remaining modality has by itself (``alone``). ``conflict`` says how often a model of
    both sees that these labels agree, and that they differ. Posts without a label take no part.

    Args:
        model: the trained model.
        table: the pairs of the split.
        predictions: [N] class indices, of all pairs as they are.
        classes: class names in the order of the logits.
        temperature: the model's, by which logits are divided.

    Returns:
        One entry per slice, see ``score_slice``.
    """
    targets = table.labels.numpy()
    everything = np.ones(len(targets), np.bool_)
    scores = [
        score_slice(part, targets=targets, predictions=predictions, classes=classes)
        for part in slices(table.pairs, classes=classes, unusable=table.unusable)
    ]
    by_pair, by_itself, alone = [], [], {}
    for kind, name in WORDS.items():
        left = OTHER[kind]
        logits = predict(model, table.without(kind)).logits
        answers = logits.argmax(-1).numpy()
        part = Slice("withheld", name, everything)
        by_pair.append(score_slice(part, targets=targets, predictions=answers, classes=classes))
        own = table.unimodal_labels[left].numpy()
        if (own >= 0).any() and not torch.allclose(logits, logits[:1]):  # else it does not read what is left
            alone[left] = logits / temperature
            part = Slice("alone", WORDS[left], everything)
            by_itself.append(score_slice(part, targets=own, predictions=answers, classes=classes))
    return [*scores, *by_pair, *by_itself, *_conflicts(table, alone, classes=classes)]


def _conflicts(
    table: FeatureTable, alone: Mapping[Modality, Tensor], *, classes: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """How often text and picture ``alone`` (logits) tell rightly whether their labels agree; nothing of one of them."""
    if len(alone) < 2:
        return
    text, image = (table.unimodal_labels[kind].numpy() for kind in ("text", "image"))
    shares = (
        [dict(zip(classes, row, strict=True)) for row in alone[kind].softmax(-1).tolist()]
        for kind in ("text", "image")
    )
    here = [bool(pair.text) and _usable(pair, table.unusable) for pair in table.pairs]
    said = np.array(
        [both and disagree(*each) for both, *each in zip(here, *shares, strict=True)], dtype=np.int64
    )
    differ = (text != image).astype(np.int64)
    for name, rows in (("agree", differ == 0), ("differ", differ == 1)):
        part = Slice("conflict", name, (text >= 0) & (image >= 0) & rows)
        yield score_slice(part, targets=differ, predictions=said, classes=("agree", "differ"))


def slices(pairs: Sequence[Pair], *, classes: Sequence[str], unusable: Collection[str]) -> Iterator[Slice]:
    """The slices of a split; what a data set does not tell, or does not vary in, makes none.

    * ``labels``: text label and picture label ``agree``, are ``opposite`` (positive and negative), or ``differ``
      otherwise; where any pair has both labels;
    * ``votes``: the annotators of the pair are ``unanimous`` or ``divided``; where any pair has several votes;
    * ``class``: the pairs of each class;
    * ``words``: by the length of the text;
    * ``picture``: pairs with and without a usable one, where there are both.

    Args:
        pairs: N pairs.
        classes: class names.
        unusable: ids of the pairs whose picture cannot be used.
    """

    def choose(by: str, name: str, chosen: Iterator[bool]) -> Slice:
        return Slice(by, name, np.fromiter(chosen, np.bool_, count=len(pairs)))

    relations = [_relation(pair) for pair in pairs]
    if any(relations):
        for name in ("agree", "differ", "opposite"):
            yield choose("labels", name, (relation == name for relation in relations))
    if any(len(pair.votes) > 1 for pair in pairs):
        opinions = [len(set(pair.votes)) for pair in pairs]
        yield choose("votes", "unanimous", (count == 1 for count in opinions))
        yield choose("votes", "divided", (count > 1 for count in opinions))
    for name in classes:
        yield choose("class", name, (pair.label == name for pair in pairs))
    counts = [len(pair.text.split()) for pair in pairs]
    for name, (fewest, most) in LENGTHS.items():
        yield choose("words", name, (fewest <= count <= most for count in counts))
    usable = [_usable(pair, unusable) for pair in pairs]
    if any(usable) and not all(usable):
        yield choose("picture", "with", iter(usable))
        yield choose("picture", "without", (not each for each in usable))


def score_slice(
    part: Slice, *, targets: Indices, predictions: Indices, classes: Sequence[str]
) -> dict[str, Any]:
    """Scores on the labelled posts of a slice.

    Args:
        part: the slice.
        targets: [N] class indices, −1 where unknown.
        predictions: [N] class indices.
        classes: class names.

    Returns:
        ``by``, ``name``, ``count``, ``accuracy``, ``weighted_f1``, ``macro_f1`` and the 95 % ``interval`` of the
        accuracy, after Wilson (1927): in small slices all posts may be right, where a bootstrap has no width. An empty
        slice has no scores and one of fewer than 10 posts no interval (None). In the slice of a class and in those
        of ``conflict``, precision is 1 by construction, so F1 would mislead and is None; the accuracy is the recall.
    """
    rows = part.rows & (np.asarray(targets) >= 0)
    count = int(rows.sum())
    there, answers = targets[rows], predictions[rows]
    metrics = evaluate_predictions(there, answers, classes) if count else None
    f1 = metrics if part.by not in ("class", "conflict") else None
    return {
        "by": part.by,
        "name": part.name,
        "count": count,
        "accuracy": metrics.accuracy if metrics else None,
        "weighted_f1": f1.weighted_f1 if f1 else None,
        "macro_f1": f1.macro_f1 if f1 else None,
        "interval": _wilson(int((there == answers).sum()), count) if count >= FEWEST else None,
    }


def _wilson(hits: int, count: int) -> Interval:
    low, high = binomtest(hits, count).proportion_ci(confidence_level=0.95, method="wilson")
    return Interval(float(low), float(high))


def _usable(pair: Pair, unusable: Collection[str]) -> bool:
    """Whether it has a picture that can be used."""
    return pair.image is not None and pair.id not in unusable


def _relation(pair: Pair) -> str | None:
    """How the pair's text label and picture label stand to each other; None where it lacks one."""
    if pair.text_label is None or pair.image_label is None:
        return None
    if pair.text_label == pair.image_label:
        return "agree"
    return "opposite" if {pair.text_label, pair.image_label} == OPPOSITE else "differ"
