"""Using a trained model on new posts."""

from sentipair.inference.predictor import Prediction, Predictor

__all__ = ["Prediction", "Predictor"]
