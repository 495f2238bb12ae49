"""A trained model with its encoders as ONNX or OpenVINO files, for ``sentipair.portable``."""

from sentipair.export.folder import export_model

__all__ = ["export_model"]
