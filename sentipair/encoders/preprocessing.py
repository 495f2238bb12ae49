"""From a PIL picture to the pixels a network was trained on; no torchvision, pinned by golden tensors in the tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sentipair.errors import UserError

PREPROCESSORS = ("preprocessor_config.json", "processor_config.json")
"""The files of a model folder that may say how pictures are prepared; the first that does counts."""

NESTED = "image_processor"
"""Where the second has it, beside what it says of texts."""

CONVNEXT_WHOLE = 384
"""From this side on a ConvNeXt is given whole pictures, without a margin to be cut."""

Box = tuple[float, float, float, float]
"""Corners (x₀, y₀, x₁, y₁) relative to a picture: 0 is left and top, 1 right and bottom."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

MAX_ASPECT = 16
"""Of longer pictures only the middle is resized: the crop cuts the ends away in any case."""


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """Resize the shorter side, cut the centre; and per channel the mean and deviation to normalise with.

    Calling it gives bytes. The network normalises them itself (see ``FeatureMap``), which is faster and takes a quarter
    of the memory. The defaults are those of the papers' ResNet (SPP-SCL, CLMLF), with the rounding of torchvision's
    ``Resize(256)`` and ``CenterCrop(224)``.
    """

    shorter_side: int = 256
    crop: int = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    resample: int = Image.Resampling.BILINEAR

    def __call__(self, image: Image.Image) -> NDArray[np.uint8]:
        """Pixels [crop, crop, 3] from an RGB picture of any size, 1×1 included."""
        image = _middle(image)
        shorter = min(image.size)
        width, height = (int(self.shorter_side * side / shorter) for side in image.size)
        x, y = round((width - self.crop) / 2), round((height - self.crop) / 2)
        left, right = (at * image.width / width for at in (x, x + self.crop))
        top, bottom = (at * image.height / height for at in (y, y + self.crop))
        # what the cut would remove is not resized in the first place
        size, box = (self.crop, self.crop), (left, top, right, bottom)
        return np.asarray(image.resize(size, Image.Resampling(self.resample), box=box))

    def seen(self, size: tuple[int, int]) -> Box:
        """The part of a picture of ``size`` (width, height) that is left after the cut."""
        half = self.crop / self.shorter_side * min(size) / 2
        x, y = (half / side for side in size)
        return 0.5 - x, 0.5 - y, 0.5 + x, 0.5 + y

    def describe(self) -> dict[str, object]:
        """The settings as plain values, for fingerprints and reports."""
        return asdict(self) | {"resample": int(self.resample)}

    @classmethod
    def of_folder(cls, folder: Path, *, side: object = None) -> Preprocessing:
        """What a model folder's ``preprocessor_config.json`` asks for; the papers' defaults where it is silent.

        A network that takes a fixed size gets its pictures by the same resize and centre cut, with the papers'
        256 : 224 where ``crop_pct`` is not given: the picture is cut, never squashed.

        Args:
            folder: of the model.
            side: what the network's own configuration says of the size of its pictures, if anything.

        Raises:
            UserError: the file cannot be understood, or asks for what is not supported here.
        """
        file = find_preprocessor(folder)
        try:
            settings = {} if file is None else _settings(file)
            return cls._of(settings, side if isinstance(side, int) else cls.crop)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise UserError(f"{file} cannot be understood ({error}); download it again") from error

    @classmethod
    def _of(cls, settings: Mapping[str, Any], side: int) -> Preprocessing:
        kind = str(settings.get("image_processor_type", settings.get("feature_extractor_type", "")))
        size = settings.get("size")
        crop_size = settings.get("crop_size") if settings.get("do_center_crop", True) else None
        crop = _side(crop_size) or _side(size) or side
        shortest = size.get("shortest_edge") if isinstance(size, dict) else size  # a bare number: older files
        if kind.startswith("ConvNext") and crop >= CONVNEXT_WHOLE:
            shorter = crop
        elif "crop_pct" in settings:
            shorter = int(int(shortest or crop) / settings["crop_pct"])
        elif crop_size is not None and shortest:
            shorter = int(shortest) * 256 // 224 if kind.startswith("Levit") else int(shortest)
        else:
            shorter = round(crop * 256 / 224)
        mean, std = settings.get("image_mean", IMAGENET_MEAN), settings.get("image_std", IMAGENET_STD)
        if not settings.get("do_normalize", True):
            mean, std = (0.0,) * 3, (1.0,) * 3
        elif settings.get("include_top"):  # an EfficientNet is given pictures that were divided by it twice
            std = tuple(each**2 for each in std)
        return cls(
            shorter_side=max(shorter, crop),
            crop=crop,
            mean=_three(mean),
            std=_three(std),
            resample=Image.Resampling(settings.get("resample", cls.resample)),
        )


def find_preprocessor(folder: Path) -> Path | None:
    """The file of a model folder that says how pictures are prepared."""
    for name in PREPROCESSORS:
        if (folder / name).is_file() and (
            name == PREPROCESSORS[0] or NESTED in (folder / name).read_text("utf-8")
        ):
            return folder / name
    return None


def _settings(file: Path) -> dict[str, Any]:
    """The settings in ``file`` that have a value.

    Raises:
        UserError: they ask for what is not supported here.
    """
    found = json.loads(file.read_text("utf-8"))
    settings = {name: value for name, value in found.get(NESTED, found).items() if value is not None}
    factor = settings.get("rescale_factor", 1 / 255)
    plain = abs(factor * 255 - 1) < 1e-6 and not settings.get("rescale_offset")
    for unsupported, asked in {
        "blue before red": settings.get("do_flip_channel_order"),
        "pixels of another range": not plain or not settings.get("do_rescale", True),
    }.items():
        if asked:
            raise UserError(f"{file} asks for {unsupported}, which is not supported; choose another encoder")
    return settings


def _middle(image: Image.Image) -> Image.Image:
    limit = MAX_ASPECT * min(image.size)
    width, height = min(image.width, limit), min(image.height, limit)
    x, y = (image.width - width) // 2, (image.height - height) // 2
    return image if (width, height) == image.size else image.crop((x, y, x + width, y + height))


def _side(size: object) -> int | None:
    """The side that a size setting gives: a number, {height, width} or {shortest_edge}."""
    if not isinstance(size, dict):
        return None if size is None else int(str(size))
    if size.get("height") != size.get("width"):
        raise ValueError("pictures are to be square")
    return int(size.get("height") or size["shortest_edge"])


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = map(float, values)
    return red, green, blue
