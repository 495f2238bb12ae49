"""Integrated gradients over the features: the difference to an empty post, split among words and regions.

Sundararajan, Taly & Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, arXiv:1703.01365; computed by Captum.
"""

from __future__ import annotations

from typing import Any

from PIL import Image
from torch import Tensor

from sentipair.data.pair import Pair, Post
from sentipair.errors import UserError
from sentipair.explain.explanation import Influence, Region, Word
from sentipair.explain.positions import (
    TENSORS,
    Unit,
    batch_of,
    places_of,
    probability,
    repeated,
    rows_at_once,
    units_of,
    word_spans,
)
from sentipair.features import PairBatch
from sentipair.inference import Predictor

STEPS = 128
"""Points of the quadrature between the empty post and the post; ReLUs make it miss up to some per cent."""

GREY = Image.new("RGB", (64, 64), (124, 116, 104))
"""A picture that shows nothing: the mean colour of ImageNet."""


def integrated_gradients(predictor: Predictor, pair: Pair, target: str) -> Influence:
    """What each word, cell or region adds to the probability of ``target``, against ``emptied`` features.

    Everything together, ``unplaced`` included, is the probability of the post minus that of the emptied features, up to
    the error of the quadrature (completeness).

    Raises:
        UserError: captum is not installed.
    """
    gradients = _captum()
    posts = predictor.encode(predictor.prepare([pair]))
    batch, text = posts.batch(), posts.pairs[0].text
    start = emptied(predictor, batch)

    def score(*values: Tensor) -> Tensor:
        features = repeated(batch, len(values[0])) | dict(zip(start, values, strict=True))
        # captum wants every input to be part of the graph
        untouched = 0 * sum(value.sum() for value in values)
        return probability(predictor, batch_of(features), target) + untouched

    found = gradients(score).attribute(
        tuple(batch[name].float() for name in start),
        baselines=tuple(start.values()),
        n_steps=STEPS,
        internal_batch_size=rows_at_once(predictor),
    )
    by_name = {
        name: value[0].flatten(1).sum(dim=1) if _is_placed(name) else value.sum().reshape(1)
        for name, value in zip(start, found, strict=True)
    }  # (N) or (1)
    words, regions = units_of(text, places_of(posts))
    word_values = [_total(by_name, unit) for unit in words]
    region_values = [_total(by_name, unit) for _, unit in regions]
    everything = sum(float(value.sum()) for value in by_name.values())
    return Influence(
        words=tuple(
            Word(text[slice(*span)], value) for span, value in zip(word_spans(text), word_values, strict=True)
        ),
        regions=tuple(Region(box, value) for (box, _), value in zip(regions, region_values, strict=True)),
        unplaced=everything - sum(word_values) - sum(region_values),
    )


def emptied(predictor: Predictor, batch: PairBatch) -> dict[str, Tensor]:
    """Name → the features of ``batch`` [1, …], as they are for a post without text and with a plain picture.

    Masks stay as they are: every token is the empty text's [CLS], every cell one of the plain picture.
    """
    nothing = predictor.encode([Post(id="nothing", opened=GREY)]).batch()
    empty: dict[str, Tensor] = {}
    for name, value in batch.features.items():
        if not value.is_floating_point() or name == "region_boxes":
            continue
        plain = nothing[f"{name}_cls"].unsqueeze(1) if f"{name}_cls" in batch.features else nothing[name]
        empty[name] = plain.float().expand(value.shape).contiguous()
    return empty


def _is_placed(name: str) -> bool:
    return any(name in names for names in TENSORS.values())


def _total(by_name: dict[str, Tensor], unit: Unit) -> float:
    return sum(float(by_name[name][unit.positions].sum()) for name in TENSORS[unit.kind] if name in by_name)


def _captum() -> Any:
    try:
        from captum.attr import IntegratedGradients
    except ImportError:
        raise UserError('integrated gradients need captum: pip install "sentipair[explain]"') from None
    return IntegratedGradients
