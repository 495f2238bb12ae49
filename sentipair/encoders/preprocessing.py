"""From a PIL picture to the pixels a network was trained on; no torchvision, pinned by golden tensors in the tests."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """Resize the shorter side, cut the centre, scale to [0, 1], normalise per channel.

    The defaults are those of the papers' ResNet (SPP-SCL, CLMLF): 256, 224, ImageNet mean and deviation.
    """

    shorter_side: int = 256
    crop: int = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __call__(self, image: Image.Image) -> NDArray[np.float32]:
        """Pixels of shape [3, crop, crop] from an RGB picture of any size, 1×1 included."""
        width, height = image.size
        scale = self.shorter_side / min(width, height)
        # the crop discards what lies outside, so an extremely long side need not be resized whole
        left, top, right, bottom = self._visible_box(width, height, scale)
        size = (round((right - left) * scale), round((bottom - top) * scale))
        image = image.resize(size, Image.Resampling.BILINEAR, box=(left, top, right, bottom))
        x, y = (image.width - self.crop) // 2, (image.height - self.crop) // 2
        pixels = np.asarray(image.crop((x, y, x + self.crop, y + self.crop)), dtype=np.float32) / 255
        normalised = (pixels - np.float32(self.mean)) / np.float32(self.std)
        return np.ascontiguousarray(normalised.transpose(2, 0, 1), dtype=np.float32)

    def _visible_box(self, width: int, height: int, scale: float) -> tuple[float, float, float, float]:
        limit = 2 * self.shorter_side / scale  # twice the shorter side, in source pixels
        x = max(0.0, (width - limit) / 2)
        y = max(0.0, (height - limit) / 2)
        return x, y, width - x, height - y

    def describe(self) -> dict[str, object]:
        """The settings as plain values, for fingerprints and reports."""
        return asdict(self)

    @classmethod
    def of_folder(cls, folder: Path) -> Preprocessing:
        """What a model folder's ``preprocessor_config.json`` asks for; the papers' defaults where it is silent."""
        file = folder / "preprocessor_config.json"
        if not file.exists():
            return cls()
        config = json.loads(file.read_text())
        crop = _side(config.get("crop_size", config.get("size")), 224)
        size = config.get("size")
        if isinstance(size, dict) and "shortest_edge" in size and "crop_size" in config:
            shorter = int(size["shortest_edge"])
        else:  # a fixed size: keep the aspect and cut the centre rather than squash
            shorter = (
                round(crop * 256 / 224) if "crop_pct" not in config else round(crop / config["crop_pct"])
            )
        mean = config.get("image_mean") or IMAGENET_MEAN
        std = config.get("image_std") or IMAGENET_STD
        return cls(shorter_side=shorter, crop=crop, mean=tuple(mean), std=tuple(std))


def _side(size: object, default: int) -> int:
    if isinstance(size, int):
        return size
    if isinstance(size, dict):
        return int(size.get("height") or size.get("shortest_edge") or default)
    return default
