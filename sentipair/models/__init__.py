"""The zoo: one file per published system, each registered by name."""

from sentipair.models.att_bilstm import AttBiLSTM
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
from sentipair.models.clip_ca_cg import CLIPCACG
from sentipair.models.clmlf import CLMLF
from sentipair.models.cnn_multi import CNNMulti
from sentipair.models.comn import CoMN
from sentipair.models.concat import Concat
from sentipair.models.dnn_lr import DNNLR
from sentipair.models.gmu import GMU
from sentipair.models.image_head import ImageHead
from sentipair.models.itin import ITIN
from sentipair.models.late_fusion import LateFusion
from sentipair.models.lmf import LMF
from sentipair.models.logistic_regression import LogisticRegression
from sentipair.models.majority import Majority
from sentipair.models.mmsd import MMSD
from sentipair.models.mpt import MPT
from sentipair.models.multisentinet import MultiSentiNet
from sentipair.models.mvan import MVAN
from sentipair.models.osda import OSDA
from sentipair.models.qmf import QMF
from sentipair.models.rationale_only import RationaleOnly
from sentipair.models.se_mlnn import SeMLNN
from sentipair.models.spp_scl import SPPSCL
from sentipair.models.text_cnn import TextCNN
from sentipair.models.text_head import TextHead
from sentipair.models.tfn import TFN

__all__ = [
    "CLIPCACG",
    "CLMLF",
    "DNNLR",
    "GMU",
    "ITIN",
    "LMF",
    "MMSD",
    "MPT",
    "MVAN",
    "OSDA",
    "QMF",
    "SPPSCL",
    "TFN",
    "AttBiLSTM",
    "CNNMulti",
    "CoMN",
    "Concat",
    "Fidelity",
    "ImageHead",
    "LateFusion",
    "LogisticRegression",
    "Majority",
    "MultiSentiNet",
    "PairModel",
    "PairOutput",
    "Range",
    "RationaleOnly",
    "SeMLNN",
    "TextCNN",
    "TextHead",
    "list_models",
    "model_class",
    "register",
    "settings_of",
]
