"""The zoo: one file per published system, each registered by name."""

from sentipair.models.base import (
    Fidelity,
    PairModel,
    PairOutput,
    Range,
    list_models,
    model_class,
    register,
    settings_of,
)
from sentipair.models.logistic_regression import LogisticRegression
from sentipair.models.spp_scl import SPPSCL

__all__ = [
    "SPPSCL",
    "Fidelity",
    "LogisticRegression",
    "PairModel",
    "PairOutput",
    "Range",
    "list_models",
    "model_class",
    "register",
    "settings_of",
]
