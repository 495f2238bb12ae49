"""Influence by hiding the features of one word or one cell behind the mask; the encoders run once."""

from __future__ import annotations

import torch

from sentipair.data.pair import Pair
from sentipair.explain.explanation import Influence, Region, Word
from sentipair.explain.positions import (
    TENSORS,
    Unit,
    batch_of,
    pieces,
    places_of,
    probability,
    repeated,
    rows_at_once,
    units_of,
    word_spans,
)
from sentipair.features import PairBatch
from sentipair.inference import Predictor


@torch.inference_mode()
def feature_occlusion(predictor: Predictor, pair: Pair, target: str) -> Influence:
    """The probability of ``target`` minus that without the features of each word, cell or region.

    Words that the encoder cut away have no influence. A picture that is read as one vector has no regions.
    """
    posts = predictor.encode(predictor.prepare([pair]))
    batch, text = posts.batch(), posts.pairs[0].text
    words, regions = units_of(text, places_of(posts))
    units = [*words, *(unit for _, unit in regions)]
    whole = float(probability(predictor, batch, target)[0])
    influence = [
        whole - without
        for piece in pieces(len(units), rows_at_once(predictor))
        for without in probability(predictor, hidden(batch, [units[i] for i in piece]), target).tolist()
    ]
    return Influence(
        words=tuple(
            Word(text[slice(*span)], value) for span, value in zip(word_spans(text), influence, strict=False)
        ),
        regions=tuple(
            Region(box, value) for (box, _), value in zip(regions, influence[len(words) :], strict=True)
        ),
    )


def hidden(batch: PairBatch, units: list[Unit]) -> PairBatch:
    """A batch of one post once per unit, each time with that unit masked."""
    features = repeated(batch, len(units))
    for row, unit in enumerate(units):
        for name in TENSORS[unit.kind]:
            if name in features:
                features[f"{name}_mask"][row, unit.positions] = False
    return batch_of(features)
