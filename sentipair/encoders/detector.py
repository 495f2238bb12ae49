"""Frozen object detectors: what their surest queries saw, and where."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sentipair.encoders.engines import EngineChoice
from sentipair.encoders.image import FeatureMap, ImageEncoder
from sentipair.encoders.loading import load_config, load_network
from sentipair.encoders.preprocessing import Box, Preprocessing
from sentipair.errors import UserError

MOST = 36
"""Regions kept per picture, as in the usual releases of bottom-up attention features."""


class WholePicture(Preprocessing):
    """The whole picture resized to a square: a detector must see what lies near the edge."""

    def __call__(self, image: Image.Image) -> NDArray[np.uint8]:
        """Pixels [crop, crop, 3] from an RGB picture of any size."""
        return np.asarray(image.resize((self.crop, self.crop), Image.Resampling(self.resample)))

    def seen(self, size: tuple[int, int]) -> Box:
        """Everything."""
        return 0.0, 0.0, 1.0, 1.0

    def describe(self) -> dict[str, object]:
        """The settings as plain values, for fingerprints and reports."""
        return {**super().describe(), "whole": True}


class Detector(ImageEncoder):
    """A detector of the DETR family (DETR, RT-DETR, YOLOS …) from a local folder or a Hugging Face id.

    A record [M, 4 + d] holds the ``MOST`` most confident queries, the surest first: the box's corners (x₀, y₀, x₁, y₁)
    relative to the picture, then the query's last decoder state. The confidence is that of the likeliest object.

    Args:
        source: a folder with config.json and model.safetensors, or a Hugging Face id. It runs in PyTorch and single
            precision, whatever the engine of the encoders: in bf16 near-equal confidences change places.

    Raises:
        UserError: no such model, its folder is incomplete, or it is no detector.
    """

    def __init__(self, source: str | Path) -> None:
        super().__init__(source, engine=EngineChoice("torch", "f32"))
        self.preprocessing = WholePicture.of_folder(self.weights)

    def configuration(self) -> Any:
        """The network's configuration."""
        from transformers import MODEL_FOR_OBJECT_DETECTION_MAPPING

        config = load_config(self.weights)
        if type(config) not in MODEL_FOR_OBJECT_DETECTION_MAPPING:
            raise UserError(
                f"{self.weights} is a {config.model_type} model and no detector; try facebook/detr-resnet-50"
            )
        return config

    @cached_property
    def network(self) -> FeatureMap:
        """The network as [B, side, side, 3] → queries [B, Q, 5 + d]: corners, confidence, state."""
        network = load_network(self.weights, auto="AutoModelForObjectDetection")

        def queries(pixels: Tensor) -> Tensor:
            found = network(pixels)
            count = found.logits.shape[1]
            states = found.last_hidden_state[:, -count:]  # YOLOS has its patches before them
            centre, size = found.pred_boxes.split(2, dim=-1)
            corners = torch.cat([centre - size / 2, centre + size / 2], dim=-1).clamp(0, 1)
            sure = confidence(found.logits, classes=self.config.num_labels).unsqueeze(-1)
            return torch.cat([corners, sure, states], dim=-1)

        return FeatureMap(network, queries, preprocessing=self.preprocessing)

    @property
    def dim(self) -> int:
        """Width d of a query's state."""
        return int(self.config.hidden_size)

    def encode(self, pictures: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float16]]:
        """A record for each array of pixels [side, side, 3] that ``preprocessing`` gave."""
        return [surest(queries) for queries in super().encode(pictures)]


def confidence(logits: Tensor, *, classes: int) -> Tensor:
    """The probability of the likeliest object: logits [B, Q, C] → [B, Q].

    DETR has one more column, for "no object", under a softmax; RT-DETR has a sigmoid per class.
    """
    likely = logits.softmax(-1)[..., :classes] if logits.shape[-1] > classes else logits.sigmoid()
    return likely.amax(-1)


def surest(queries: NDArray[np.float16]) -> NDArray[np.float16]:
    """The ``MOST`` most confident of queries [Q, 5 + d], without their confidence."""
    order = np.argsort(-queries[:, 4], kind="stable")[:MOST]
    return np.delete(queries[order], 4, axis=1)
