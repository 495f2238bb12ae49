"""Exported models without PyTorch: numpy, Pillow, tokenizers, and onnxruntime or OpenVINO are all it takes.

``sentipair export`` writes the folder. Where it is used, ``pip install --no-deps sentipair`` leaves PyTorch out.
"""

from sentipair.portable.predictor import Predictor

__all__ = ["Predictor"]
