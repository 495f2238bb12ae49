"""Using a trained model on new posts."""

from sentipair.inference.prediction import Opinion, Prediction
from sentipair.inference.predictor import Predictor

__all__ = ["Opinion", "Prediction", "Predictor"]
