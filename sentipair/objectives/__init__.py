"""Losses, and the update procedures built from them."""

from sentipair.objectives.base import CrossEntropy, Objective, objective_class
from sentipair.objectives.clmlf import CLMLFObjective
from sentipair.objectives.contrastive import clip_loss, pairs_below_mean_match, supervised_contrastive_loss
from sentipair.objectives.members import EachMember
from sentipair.objectives.multi_label_contrastive import MultiLabelContrastive, text_image_contrastive_loss
from sentipair.objectives.quality_aware import QualityAware
from sentipair.objectives.semi_push_pull import SemiPushPull
from sentipair.objectives.two_tower_first import TwoTowerFirst

__all__ = [
    "CLMLFObjective",
    "CrossEntropy",
    "EachMember",
    "MultiLabelContrastive",
    "Objective",
    "QualityAware",
    "SemiPushPull",
    "TwoTowerFirst",
    "clip_loss",
    "objective_class",
    "pairs_below_mean_match",
    "supervised_contrastive_loss",
    "text_image_contrastive_loss",
]
