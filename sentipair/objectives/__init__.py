"""Losses, and the update procedures built from them."""

from sentipair.objectives.base import CrossEntropy, Objective, objective_class
from sentipair.objectives.contrastive import pairs_below_mean_match, supervised_contrastive_loss
from sentipair.objectives.semi_push_pull import SemiPushPull

__all__ = [
    "CrossEntropy",
    "Objective",
    "SemiPushPull",
    "objective_class",
    "pairs_below_mean_match",
    "supervised_contrastive_loss",
]
