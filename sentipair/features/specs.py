"""What a model can ask for: each ``FeatureSpec`` names the records it needs and turns them into tensors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import isqrt
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentipair.data.images import UnreadableImageError, open_image, picture_key
from sentipair.data.pair import Modality, Pair
from sentipair.data.text import truncation
from sentipair.encoders import Encoders, TextEncoder
from sentipair.encoders.preprocessing import Box
from sentipair.files import sha256

TEXT, ATTRIBUTES, RATIONALE = "text", "attributes", "rationale_"
"""Texts of a post by name; ``RATIONALE`` is followed by the polarity."""

Records = Sequence[NDArray[np.float16] | None]

Places = Mapping[str, Sequence[tuple[float, ...]]]
"""``"words"`` → first and last character + 1 of every token; ``"cells"``, ``"regions"`` → corners in the picture."""


class Source(Protocol):
    """Where records come from: which input of a pair, and the encoder that reads it.

    Attributes:
        kind: the modality that the input belongs to; withholding a modality withholds all its inputs.
        reads: the name of the input.
        dims: settings of a model that the encoder gives.
    """

    kind: Modality
    reads: str
    dims: dict[str, int]

    def describe(self) -> dict[str, object]:
        """What the records depend on, except the input."""
        ...

    def key(self, pair: Pair) -> str | None:
        """The SHA-256 of the pair's input, ``None`` where it has none."""
        ...

    def encode(self, pairs: Sequence[Pair]) -> list[NDArray[np.float16]]:
        """One record per pair, of length 0 where the input is unusable."""
        ...

    def remark(self, pair: Pair, length: int) -> str | None:
        """What a person must be told of this pair, given the length of its record (0 where there is none)."""
        ...


S = TypeVar("S", bound=Source)


class FeatureSpec(ABC, Generic[S]):
    """A named group of tensors in a ``PairBatch``; equal specs share records."""

    @abstractmethod
    def source(self, encoders: Encoders) -> S:
        """Who makes the records."""

    @abstractmethod
    def collate(self, records: Records, source: S) -> dict[str, Tensor]:
        """Tensors from one record per pair, ``None`` or empty where there is none."""

    def locate(self, pair: Pair, record: NDArray[np.float16] | None, source: S) -> Places:
        """Where the positions of the pair's tensors lie in the post, by the name that attention to them has."""
        return {}


class TextSource:
    """Texts through the text encoder: a post's own, its picture's attributes, or a rationale."""

    def __init__(self, encoder: TextEncoder, *, reads: str) -> None:
        self.encoder = encoder
        self.dims = {"text_dim": self.encoder.dim}
        self.reads = reads
        self.kind: Modality = "image" if reads == ATTRIBUTES else "text"

    def read(self, pair: Pair) -> str | None:
        """The text to encode, ``None`` where the pair has none; a post's own may be empty."""
        if self.reads == TEXT:
            return pair.text
        if self.reads == ATTRIBUTES:
            return " ".join(pair.attributes) or None
        return pair.rationales.get(self.reads.removeprefix(RATIONALE)) or None

    def describe(self) -> dict[str, object]:
        """See ``TextEncoder.describe``."""
        return self.encoder.describe()

    def key(self, pair: Pair) -> str | None:
        """The SHA-256 of the text; the empty text has one too."""
        text = self.read(pair)
        return None if text is None else sha256(text)

    def encode(self, pairs: Sequence[Pair]) -> list[NDArray[np.float16]]:
        """Hidden states [N, last, d] per text."""
        return self.encoder.encode([self.read(pair) or "" for pair in pairs])

    def remark(self, pair: Pair, length: int) -> str | None:
        """How many tokens of a post's own text were left out."""
        if self.reads != TEXT:
            return None
        limit = self.encoder.max_length
        if length < limit or (count := self.encoder.count_tokens(self.read(pair) or "")) <= limit:
            return None
        return truncation(count, limit)


class ImageSource:
    """Pictures through the image encoder."""

    kind: Modality = "image"
    reads = "image"

    def __init__(self, encoders: Encoders) -> None:
        self.encoder = encoders.image_encoder
        self.dims = {"image_dim": self.encoder.dim}

    def describe(self) -> dict[str, object]:
        """See ``ImageEncoder.describe``."""
        return self.encoder.describe()

    def key(self, pair: Pair) -> str | None:
        """See ``picture_key``."""
        return None if pair.picture is None else picture_key(pair.picture)

    def encode(self, pairs: Sequence[Pair]) -> list[NDArray[np.float16]]:
        """Features [P + R, d] per picture; length 0 where the picture cannot be read."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            loaded = list(pool.map(self._load, pairs))
        records = iter(self.encoder.encode([x for x in loaded if not isinstance(x, str)]))
        empty = np.empty((0, self.encoder.dim), np.float16)
        return [empty if isinstance(x, str) else next(records) for x in loaded]

    def remark(self, pair: Pair, length: int) -> str | None:
        """Why there are no features of the picture; it is opened once more to find out."""
        if length or pair.picture is None:
            return None
        reason = self._load(pair)
        return reason if isinstance(reason, str) else "was unreadable when its features were made"

    def in_picture(self, pair: Pair, boxes: NDArray[np.float32]) -> list[Box]:
        """Boxes [R, 4] relative to what the encoder sees → relative to the whole picture, which must be readable."""
        assert pair.picture is not None
        left, top, right, bottom = self.encoder.preprocessing.seen(open_image(pair.picture).size)
        x, y = left + (right - left) * boxes[:, ::2], top + (bottom - top) * boxes[:, 1::2]
        return [(x0, y0, x1, y1) for (x0, x1), (y0, y1) in zip(x.tolist(), y.tolist(), strict=True)]

    def _load(self, pair: Pair) -> NDArray[np.uint8] | str:
        try:
            return (
                "no picture" if pair.picture is None else self.encoder.preprocessing(open_image(pair.picture))
            )
        except UnreadableImageError as error:
            return str(error)


@dataclass(frozen=True, kw_only=True)
class TextLayers(FeatureSpec[TextSource]):
    """Hidden states of the last layers for every token.

    Gives ``text [B, N, last, d]`` (half precision, top layer last) and ``text_mask [B, N]`` for the tokens between
    [CLS] and the last position, and ``text_cls [B, last, d]``. With ``pad_to`` every text has the states of its padding
    too and the mask is all true: what the released SPP-SCL code computes with (its slice drops the first and last
    position).

    ``of`` names another text of the post and so its tensors: ``"attributes"``, ``"rationale_positive"`` …; a post
    without it is masked.
    """

    last: int = 4
    max_length: int = 128
    pad_to: int | None = None
    of: str = TEXT

    def source(self, encoders: Encoders) -> TextSource:
        """The text encoder with these settings."""
        encoder = encoders.text_encoder(last=self.last, max_length=self.max_length, pad_to=self.pad_to)
        return TextSource(encoder, reads=self.of)

    def collate(self, records: Records, source: TextSource) -> dict[str, Tensor]:
        """Pad to the longest text of the batch."""
        shape = (self.last, source.dims["text_dim"])
        nothing = np.zeros((2, *shape), np.float16)  # [CLS] and [SEP] of a text that is not there
        present = [nothing if record is None else record for record in records]
        tokens, mask = pad([record[1:-1] for record in present], shape)
        cls = np.stack([record[0] for record in present])
        return {self.of: tokens, f"{self.of}_mask": mask, f"{self.of}_cls": torch.from_numpy(cls).float()}

    def locate(self, pair: Pair, record: NDArray[np.float16] | None, source: TextSource) -> Places:
        """The tokens of the pair's own text."""
        return {"words": source.encoder.spans(pair.text)} if self.of == TEXT else {}


@dataclass(frozen=True, kw_only=True)
class ImageGrid(FeatureSpec[ImageSource]):
    """The cells of the last feature map, or a ViT's patches.

    Gives ``grid [B, R, d]`` (half precision) and ``grid_mask [B, R]``, false where the pair has no readable picture.
    """

    def source(self, encoders: Encoders) -> ImageSource:
        """The image encoder."""
        return ImageSource(encoders)

    def collate(self, records: Records, source: ImageSource) -> dict[str, Tensor]:
        """Stack the grids; an absent one is all zeros and masked."""
        count, dim = source.encoder.shape
        prefix = source.encoder.prefix
        cells = [None if record is None else record[prefix:] for record in records]
        grid, mask = pad(cells, (dim,), length=count - prefix)
        return {"grid": grid, "grid_mask": mask}

    def locate(self, pair: Pair, record: NDArray[np.float16] | None, source: ImageSource) -> Places:
        """The cells."""
        if record is None or not len(record):
            return {}
        cells = grid_boxes(len(record) - source.encoder.prefix)
        return {"cells": source.in_picture(pair, cells)}


@dataclass(frozen=True, kw_only=True)
class ImageVector(FeatureSpec[ImageSource]):
    """One vector per picture: the [CLS] of a ViT, the mean of a convolutional network's cells.

    Gives ``image [B, d]`` and ``image_present [B]``.
    """

    def source(self, encoders: Encoders) -> ImageSource:
        """The image encoder."""
        return ImageSource(encoders)

    def collate(self, records: Records, source: ImageSource) -> dict[str, Tensor]:
        """Stack the vectors; an absent one is zero."""
        count, dim = source.encoder.shape
        states, mask = pad(records, (dim,), length=count)
        vectors = states[:, 0].float() if source.encoder.prefix else states.float().mean(dim=1)
        return {"image": vectors, "image_present": mask[:, 0]}


def grid_boxes(count: int) -> NDArray[np.float32]:
    """The corners of the ``count`` cells of a square grid, row by row: [count, 4], relative to the grid."""
    side = isqrt(count)
    row, column = np.divmod(np.arange(count), side)
    return (np.stack([column, row, column + 1, row + 1], axis=1) / side).astype(np.float32)


def pad(records: Records, tail: tuple[int, ...], *, length: int | None = None) -> tuple[Tensor, Tensor]:
    """Stack ragged records [N_i, *tail] to [B, N, *tail] with zeros behind, and the mask [B, N] of what is real.

    N is ``length``, or the longest record, at least 1. Of an absent record nothing is real.
    """
    present = {place: record for place, record in enumerate(records) if record is not None and len(record)}
    longest = length or max([1, *map(len, present.values())])
    values = np.zeros((len(records), longest, *tail), np.float16)
    mask = np.zeros((len(records), longest), np.bool_)
    for place, record in present.items():
        values[place, : len(record)] = record
        mask[place, : len(record)] = True
    return torch.from_numpy(values), torch.from_numpy(mask)
