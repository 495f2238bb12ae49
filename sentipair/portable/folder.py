"""What is in the folder of an exported model, and how its ``config.json`` is written and read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from sentipair.encoders.preprocessing import Preprocessing
from sentipair.errors import UserError
from sentipair.files import write_json

Format = Literal["onnx", "openvino"]

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
TEXT_ENCODER, IMAGE_ENCODER, HEAD = "text-encoder", "image-encoder", "head"
"""The graphs: ``<name>.onnx``, or ``<name>.xml`` with ``<name>.bin``."""

SUFFIX: dict[Format, str] = {"onnx": ".onnx", "openvino": ".xml"}


@dataclass(frozen=True, kw_only=True)
class TextInput:
    """How texts become token ids: normalised by ``steps``, cut to ``max_length`` with [CLS] and [SEP], padded."""

    steps: tuple[str, ...]
    max_length: int
    pad_id: int


@dataclass(frozen=True, kw_only=True)
class ImageInput:
    """How pictures become pixels, and the shape [P + R, d] of what the encoder makes of one."""

    preprocessing: Preprocessing
    shape: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """What it takes to use an exported model.

    Attributes:
        format: of the graphs.
        model: its registered name.
        classes: class names in the order of the logits.
        temperature: what the logits are divided by.
        outputs: of the head: ``"logits"``, and the modalities that it gives logits of their own for.
        text: ``None`` where the model reads no texts.
        image: ``None`` where it reads no pictures.
    """

    format: Format
    model: str
    classes: tuple[str, ...]
    temperature: float
    outputs: tuple[str, ...]
    text: TextInput | None
    image: ImageInput | None


def write_config(folder: Path, config: ExportConfig) -> None:
    """Write ``config.json``."""
    write_json(folder / CONFIG, asdict(config))


def read_config(folder: Path) -> ExportConfig:
    """What ``write_config`` wrote.

    Raises:
        UserError: there is no exported model, or its configuration is damaged.
    """
    try:
        values = _with_tuples(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
        text, image = values.pop("text"), values.pop("image")
        return ExportConfig(
            **values, text=TextInput(**text) if text else None, image=_image_input(**image) if image else None
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"there is no exported model in {folder}; write one with `sentipair export RUN --output {folder}`"
        ) from error


def _image_input(*, preprocessing: dict[str, Any], shape: tuple[int, int]) -> ImageInput:
    return ImageInput(preprocessing=Preprocessing(**preprocessing), shape=shape)


def _with_tuples(value: Any) -> Any:
    """The same values with tuples for lists, as the dataclasses have them."""
    if isinstance(value, dict):
        return {name: _with_tuples(each) for name, each in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
