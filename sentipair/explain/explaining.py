"""Explaining one prediction: the influence by one of three methods, beside the model's own attention."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from sentipair.data.pair import Pair
from sentipair.errors import UserError
from sentipair.evaluation.attention import weights_in_post, weights_of
from sentipair.explain.explanation import Explanation, Influence, Method
from sentipair.explain.feature_occlusion import feature_occlusion
from sentipair.explain.gradients import integrated_gradients
from sentipair.explain.occlusion import occlusion
from sentipair.explain.positions import places_of
from sentipair.inference import Prediction, Predictor

METHODS: Mapping[Method, Callable[[Predictor, Pair, str], Influence]] = {
    "occlusion": occlusion,
    "feature-occlusion": feature_occlusion,
    "integrated-gradients": integrated_gradients,
}


def explain(
    predictor: Predictor, pair: Pair, *, method: Method = "occlusion", target: str | None = None
) -> Explanation:
    """Why ``predictor`` says what it says of ``pair``.

    Args:
        predictor: a trained model with its encoders.
        pair: the post; its picture or its text may be missing.
        method: ``"occlusion"`` leaves out one word, or covers one part of the picture, and asks the model again, from
            the encoders on: about a second. ``"feature-occlusion"`` hides the stored features of the word or the cell
            instead; other features still know of it, but it takes a tenth of the time. ``"integrated-gradients"``
            (Sundararajan et al. 2017, arXiv:1703.01365) splits the whole difference to an empty post among all
            features.
        target: the class to explain; by default the most probable one.

    Raises:
        UserError: no such method or class, or the package that the method needs is missing.
    """
    classes = predictor.config.classes
    if method not in METHODS:
        raise UserError(f"there is no method {method!r}; use {', '.join(METHODS)}")
    if target is not None and target not in classes:
        raise UserError(f"there is no class {target!r}; the model knows {', '.join(classes)}")
    prediction = predictor.predict([pair])[0]
    chosen = target or most_probable(prediction)
    return Explanation(
        prediction=prediction,
        target=chosen,
        method=method,
        text=predictor.prepare([pair])[0].text,
        influence=METHODS[method](predictor, pair, chosen),
        attention=attention_of(predictor, pair),
    )


def most_probable(prediction: Prediction) -> str:
    """The most probable class, whether the model abstains or not."""
    return max(prediction.probabilities, key=prediction.probabilities.__getitem__)


@torch.inference_mode()
def attention_of(predictor: Predictor, pair: Pair) -> dict[str, Any]:
    """What the model attends to in ``pair``, see ``Explanation``; empty for a model without attention."""
    posts = predictor.encode(predictor.prepare([pair]))
    weights = weights_of(predictor.model(posts.batch()))
    if not weights:
        return {}
    return weights_in_post(places_of(posts), {name: value[0] for name, value in weights.items()})
