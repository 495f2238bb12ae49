"""What models see: feature specs, extraction, the store on disk, batches."""

from sentipair.features.batch import PairBatch, ragged, standardise
from sentipair.features.clip import CLIPImage, CLIPText
from sentipair.features.regions import Regions
from sentipair.features.specs import FeatureSpec, ImageGrid, ImageVector, TextLayers
from sentipair.features.store import FeatureStore
from sentipair.features.table import FeatureTable

__all__ = [
    "CLIPImage",
    "CLIPText",
    "FeatureSpec",
    "FeatureStore",
    "FeatureTable",
    "ImageGrid",
    "ImageVector",
    "PairBatch",
    "Regions",
    "TextLayers",
    "ragged",
    "standardise",
]
