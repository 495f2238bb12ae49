"""What models see: feature specs, extraction, the store on disk, batches."""

from sentipair.features.batch import PairBatch
from sentipair.features.specs import FeatureSpec, ImageGrid, ImageVector, TextLayers
from sentipair.features.store import FeatureStore
from sentipair.features.table import FeatureTable

__all__ = [
    "FeatureSpec",
    "FeatureStore",
    "FeatureTable",
    "ImageGrid",
    "ImageVector",
    "PairBatch",
    "TextLayers",
]
