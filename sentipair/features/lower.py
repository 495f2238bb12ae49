"""What is stored when the last layers of an encoder are trained with a model: the states that those layers read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sentipair.encoders import Encoders
from sentipair.features.specs import FeatureSpec, ImageSource, Records, TextLayers, TextSource, pad


class LowerImageSource(ImageSource):
    """Pictures through the lower layers of the image encoder; ``dims`` are those of the whole."""

    def __init__(self, encoders: Encoders, *, below: int) -> None:
        self.encoder = encoders.lower_image_encoder(below=below)
        self.dims = {"image_dim": encoders.image_encoder.dim}


@dataclass(frozen=True, kw_only=True)
class LowerTextLayers(TextLayers):
    """The last ``last`` hidden states below the top ``below`` layers, for every token.

    Gives what ``TextLayers`` gives, and ``text_sep [B, last, d]``, the states of the last position, which the tokens
    attend to.
    """

    below: int

    def source(self, encoders: Encoders) -> TextSource:
        """The lower layers of the text encoder."""
        encoder = encoders.lower_text_encoder(below=self.below, last=self.last, max_length=self.max_length)
        return TextSource(encoder, reads=self.of)

    def collate(self, records: Records, source: TextSource) -> dict[str, Tensor]:
        """As ``TextLayers``; the last position of a text that is not there is zero."""
        last = np.zeros((len(records), self.last, source.dims["text_dim"]), np.float32)
        for row, record in zip(last, records, strict=True):
            if record is not None:
                row[:] = record[-1]
        return {**super().collate(records, source), f"{self.of}_sep": torch.from_numpy(last)}


@dataclass(frozen=True, kw_only=True)
class LowerImage(FeatureSpec[LowerImageSource]):
    """The states below the top ``below`` layers of the image encoder.

    Gives ``image_states [B, R, c]`` (half precision), zero where there is no picture, and ``image_present [B]``.
    """

    below: int

    def source(self, encoders: Encoders) -> LowerImageSource:
        """The lower layers of the image encoder."""
        return LowerImageSource(encoders, below=self.below)

    def collate(self, records: Records, source: LowerImageSource) -> dict[str, Tensor]:
        """Stack the states."""
        count, channels = source.encoder.shape
        states, mask = pad(records, (channels,), length=count)
        return {"image_states": states, "image_present": mask[:, 0]}
