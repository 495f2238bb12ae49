"""Frozen networks: which ones, how their inputs are made and how they are run."""

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
