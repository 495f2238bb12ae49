"""What a model receives: named tensors with masks for a few pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn import functional


def ragged(values: Tensor, mask: Tensor) -> Tensor:
    """The values [B, N, …] where mask [B, N] is true, one row after the other: [T, …].

    In an exported graph, whose shapes must not depend on values, all B·N of them: what is computed row by row and put
    back with ``unpack`` is the same.
    """
    if torch.compiler.is_exporting() or bool(mask.all()):
        return values.flatten(0, 1)
    # indexing by the mask itself takes a CPU four times as long
    return values.flatten(0, 1).index_select(0, mask.flatten().nonzero().squeeze(1))


def standardise(values: Tensor) -> Tensor:
    """Values […, d] with mean 0 and deviation 1 over the last dimension; where all are zero they stay."""
    return functional.layer_norm(values, values.shape[-1:])


@dataclass(frozen=True)
class PairBatch:
    """B pairs as tensors. Which features are there depends on what the model requires; with all of them:

    ========================  ==================  =======================================================
    ``text``                  [B, N, L, d_text]   hidden states per token, half precision, top layer last
    ``text_mask``             [B, N]              true at real tokens; a row may be all false (empty text)
    ``text_cls``              [B, L, d_text]      hidden states of [CLS]
    ``grid``                  [B, R, d_image]     grid cells or patches, half precision
    ``grid_mask``             [B, R]              false where there is no picture
    ``image``                 [B, d_image]        one vector per picture, zero where there is none
    ``image_present``         [B]                 whether there is a picture
    ``regions``               [B, M, d_region]    regions of the picture, half precision
    ``regions_mask``          [B, M]              false where there is no picture, or fewer regions
    ``region_boxes``          [B, M, 4]           corners relative to what the network sees, zero where unknown
    ``attributes``            as ``text``         with mask and cls: the words that name what is in the picture
    ``rationale_positive`` …  as ``text``         with mask and cls: the rationale for a polarity
    ``clip_image``            [B, d_clip]         the picture in CLIP's space, zero where there is none
    ``clip_image_present``    [B]                 whether there is a picture
    ``clip_patches``          [B, P, d_clip]      its patches in CLIP's space, half precision, with a mask
    ``clip_text``             [B, d_clip]         the text in CLIP's space
    ========================  ==================  =======================================================

    ``labels`` [B] holds class indices, −1 where unknown; so do those of ``unimodal_labels``, ``"text"`` and ``"image"``
    → [B], the classes that text and picture have each by itself. Behind a mask there may be any finite numbers.
    """

    ids: tuple[str, ...]
    labels: Tensor
    features: Mapping[str, Tensor]
    unimodal_labels: Mapping[str, Tensor] = field(default_factory=dict)
    _rows: dict[tuple[str, torch.dtype, bool], Tensor] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __getitem__(self, name: str) -> Tensor:
        return self.features[name]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def has_text(self) -> Tensor:
        """[B], whether the pair has a text."""
        return self["text_mask"].any(dim=1)

    @property
    def has_image(self) -> Tensor:
        """[B], whether the pair has a picture, as one vector or as a grid."""
        return self["image_present"] if "image_present" in self.features else self["grid_mask"].any(dim=1)

    @property
    def texts(self) -> list[str]:
        """The names of what holds states of tokens."""
        return [name.removesuffix("_cls") for name in self.features if name.endswith("_cls")]

    def rows(self, name: str, dtype: torch.dtype = torch.float32, *, standardised: bool = False) -> Tensor:
        """What the mask of ``name`` leaves, in the given precision: [T, …], one pair after the other.

        With ``standardised`` every state has mean 0 and deviation 1. Made once per batch: an update with two forward
        passes pays for it once.
        """
        key = (name, dtype, standardised)
        if key not in self._rows:
            # from half precision straight to bf16, PyTorch takes twice as long as over single precision
            rows = ragged(self[name], self[f"{name}_mask"]).float()
            rows = standardise(rows) if standardised else rows
            self._rows[key] = rows.to(dtype)
        return self._rows[key]

    def unmasked(self) -> PairBatch:
        """The same tensors with all masks true: for code that knows no masks."""
        masks = {k: torch.ones_like(v) for k, v in self.features.items() if k.endswith("_mask")}
        return replace(self, features={**self.features, **masks}, _rows={})

    def padded(self, extra: int) -> PairBatch:
        """The same pairs with the last position of every text of theirs repeated ``extra`` times behind the mask."""
        longer: dict[str, Tensor] = {}
        for name in self.texts:
            states, mask = self[name], self[f"{name}_mask"]
            longer[name] = torch.cat([states, *[states[:, -1:]] * extra], dim=1)
            longer[f"{name}_mask"] = torch.cat([mask, mask.new_zeros(len(self), extra)], dim=1)
        return replace(self, features={**self.features, **longer}, _rows={})
