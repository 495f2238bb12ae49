"""A trained model with its encoders as ONNX or OpenVINO files; a fine-tuned encoder alone, for transformers."""

from sentipair.export.encoders import export_encoders
from sentipair.export.folder import export_model

__all__ = ["export_encoders", "export_model"]
