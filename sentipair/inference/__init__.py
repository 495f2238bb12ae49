"""Using a trained model on new posts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentipair.inference.prediction import Opinion, Prediction
from sentipair.lazy import lazily

if TYPE_CHECKING:
    from sentipair.inference.predictor import Predictor

__all__ = ["Opinion", "Prediction", "Predictor"]

__getattr__ = lazily(__name__, {"predictor": ["Predictor"]})
