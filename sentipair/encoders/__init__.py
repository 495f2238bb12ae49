"""Frozen networks: which ones, how their inputs are made and how they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentipair.lazy import lazily

if TYPE_CHECKING:
    from sentipair.encoders.choice import Encoders
    from sentipair.encoders.clip import CLIPImageEncoder, CLIPTextEncoder
    from sentipair.encoders.engines import EngineName, choose_engine
    from sentipair.encoders.image import ImageEncoder
    from sentipair.encoders.preprocessing import Preprocessing
    from sentipair.encoders.text import TextEncoder

__all__ = [
    "CLIPImageEncoder",
    "CLIPTextEncoder",
    "Encoders",
    "EngineName",
    "ImageEncoder",
    "Preprocessing",
    "TextEncoder",
    "choose_engine",
]

__getattr__ = lazily(
    __name__,
    {
        "choice": ["Encoders"],
        "clip": ["CLIPImageEncoder", "CLIPTextEncoder"],
        "engines": ["EngineName", "choose_engine"],
        "image": ["ImageEncoder"],
        "preprocessing": ["Preprocessing"],
        "text": ["TextEncoder"],
    },
)
