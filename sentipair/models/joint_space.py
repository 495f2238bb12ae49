"""Texts and pictures in one space: CLIP's own, or that of two towers, which need no CLIP.

The towers are a linear map of frozen features per modality. They learn from the training pairs of one data set by the
loss that CLIP was trained with (Radford et al. 2021, arXiv 2103.00020), as the first stage of the objective
``two-tower-first``; so their space is a modest one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from sentipair.features import (
    CLIPImage,
    CLIPText,
    FeatureSpec,
    ImageGrid,
    ImageVector,
    PairBatch,
    TextLayers,
    standardise,
)
from sentipair.models.layers import Dropout, masked_mean, unpack


class Embedded(NamedTuple):
    """B pairs in a space of D dimensions, every vector of length 1, or zero where there is nothing to embed.

    ``text`` [B, D], ``image`` [B, D], and where they were asked for ``patches`` [B, R, D] with ``patches_mask`` [B, R].
    """

    text: Tensor
    image: Tensor
    patches: Tensor | None = None
    patches_mask: Tensor | None = None


class StoredCLIP(nn.Module):
    """CLIP's embeddings as they are in the feature store; nothing here learns.

    Args:
        patches: give the patches too.
    """

    def __init__(self, *, patches: bool) -> None:
        super().__init__()
        self.patches = patches

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """CLIP's vectors."""
        return [CLIPText(), CLIPImage(patches=self.patches)]

    def forward(self, batch: PairBatch) -> Embedded:
        """Look the pairs up."""
        text, image = batch["clip_text"], batch["clip_image"]
        if not self.patches:
            return Embedded(text, image)
        mask = batch["clip_patches_mask"]
        return Embedded(text, image, unpack(batch.rows("clip_patches"), mask), mask)


class TwoTowers(nn.Module):
    """A linear map per modality into a shared space: of the mean token state, and of the image vector.

    Args:
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder.
        dim: D.
        patches: map the grid cells as well.
        dropout: of the frozen features.
    """

    def __init__(self, text_dim: int, image_dim: int, dim: int, *, patches: bool, dropout: float) -> None:
        super().__init__()

        def tower(width: int) -> nn.Sequential:
            return nn.Sequential(nn.LayerNorm(width), Dropout(dropout), nn.Linear(width, dim, bias=False))

        self.text, self.image = tower(text_dim), tower(image_dim)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.patches = patches

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied with in the loss: 1/τ, at most 100 (Radford et al., section 2.5)."""
        return self.log_scale.exp().clamp(max=100)

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer and one vector per picture, with patches also the grid."""
        return [TextLayers(last=1), ImageVector(), *([ImageGrid()] if self.patches else [])]

    def forward(self, batch: PairBatch) -> Embedded:
        """Embed B pairs."""
        words = batch["text_mask"]
        text = unit(self.text(masked_mean(batch["text"][:, :, -1].float(), words))) * words.any(
            1, keepdim=True
        )
        image = unit(self.image(batch["image"])) * batch["image_present"].unsqueeze(1)
        if not self.patches:
            return Embedded(text, image)
        mask = batch["grid_mask"]
        return Embedded(text, image, unpack(unit(self.image(batch.rows("grid"))), mask), mask)


def unit(values: Tensor) -> Tensor:
    """Values […, D] brought to length 1."""
    return functional.normalize(values, dim=-1)


def product(image: Tensor, text: Tensor) -> Tensor:
    """Elementwise product of embeddings […, D], brought to mean 0 and deviation 1; zero where one of them is zero.

    Entries of a product of unit vectors are around 1/D, too small for what comes behind.
    """
    return standardise(image.shape[-1] * image * text)


def towers_of(model: nn.Module) -> TwoTowers | None:
    """The two towers of a model, wherever in it they are."""
    return next((part for part in model.modules() if isinstance(part, TwoTowers)), None)
