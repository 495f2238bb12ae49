"""Texts and pictures in the space of CLIP."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentipair.data.pair import Pair
from sentipair.encoders import Encoders
from sentipair.features.specs import (
    TEXT,
    FeatureSpec,
    ImageSource,
    Places,
    Records,
    TextSource,
    grid_boxes,
    pad,
)


class CLIPTextSource(TextSource):
    """Texts through CLIP's text encoder."""

    def __init__(self, encoders: Encoders) -> None:
        self.encoder = encoders.clip_text_encoder
        self.dims = {"clip_dim": self.encoder.dim}
        self.reads = TEXT
        self.kind = "text"

    def remark(self, pair: Pair, length: int) -> str | None:
        """How many tokens of the text were left out; its record is one vector and does not tell."""
        remark = super().remark(pair, self.encoder.max_length)
        return remark and f"{remark} by CLIP"


class CLIPImageSource(ImageSource):
    """Pictures through CLIP's image encoder."""

    def __init__(self, encoders: Encoders, *, patches: bool) -> None:
        self.encoder = encoders.clip_image_encoder(patches=patches)
        self.dims = {"clip_dim": self.encoder.dim}


@dataclass(frozen=True, kw_only=True)
class CLIPText(FeatureSpec[CLIPTextSource]):
    """Gives ``clip_text [B, d]``, CLIP's embedding of the text, of length 1; the empty text has one too."""

    def source(self, encoders: Encoders) -> CLIPTextSource:
        """CLIP's text encoder."""
        return CLIPTextSource(encoders)

    def collate(self, records: Records, source: CLIPTextSource) -> dict[str, Tensor]:
        """Stack the vectors."""
        return {"clip_text": vectors(records, source.dims["clip_dim"])}


@dataclass(frozen=True, kw_only=True)
class CLIPImage(FeatureSpec[CLIPImageSource]):
    """CLIP's embedding of the picture, of length 1 or zero where there is none.

    Gives ``clip_image [B, d]`` and ``clip_image_present [B]``; with ``patches`` also ``clip_patches [B, R, d]`` (half
    precision) and ``clip_patches_mask [B, R]``, the patches in the same space.
    """

    patches: bool = False

    def source(self, encoders: Encoders) -> CLIPImageSource:
        """CLIP's image encoder."""
        return CLIPImageSource(encoders, patches=self.patches)

    def collate(self, records: Records, source: CLIPImageSource) -> dict[str, Tensor]:
        """Stack vectors and patches; those of an absent picture are zeros and masked."""
        dim = source.dims["clip_dim"]
        present = torch.tensor([record is not None and len(record) > 0 for record in records])
        features = {"clip_image": vectors(records, dim), "clip_image_present": present}
        if self.patches:
            rest = [None if record is None else record[1:] for record in records]
            count = source.encoder.shape[0] - 1
            features["clip_patches"], features["clip_patches_mask"] = pad(rest, (dim,), length=count)
        return features

    def locate(self, pair: Pair, record: NDArray[np.float16] | None, source: CLIPImageSource) -> Places:
        """The patches."""
        if not self.patches or record is None or not len(record):
            return {}
        return {"cells": source.in_picture(pair, grid_boxes(len(record) - 1))}


def vectors(records: Records, dim: int) -> Tensor:
    """The first vector of every record, zeros where there is none: [B, d] in single precision."""
    first = np.zeros((len(records), dim), np.float32)
    for row, record in zip(first, records, strict=True):
        if record is not None and len(record):
            row[:] = record[0]
    return torch.from_numpy(first)
