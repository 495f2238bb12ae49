"""Texts and pictures through the exported encoders, as the head takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sentipair.data.images import Picture, UnreadableImageError, open_image
from sentipair.data.pair import Pair
from sentipair.data.text import normalise, truncation
from sentipair.errors import UserError
from sentipair.portable.folder import (
    IMAGE_ENCODER,
    TEXT_ENCODER,
    TOKENIZER,
    Format,
    ImageInput,
    TextInput,
)
from sentipair.portable.graphs import Arrays, load_graph

SHORTEST = 3
"""[CLS], one position, [SEP]: the head takes no shorter text."""


@dataclass(frozen=True)
class Read:
    """What came of one modality of B posts.

    Attributes:
        arrays: the head's inputs by name.
        present: whether a post has this modality.
        remarks: what a person must be told of a post.
    """

    arrays: Arrays
    present: list[bool]
    remarks: list[str | None]


class Reader(Protocol):
    """Encodes one modality of posts, at least one."""

    def __call__(self, pairs: Sequence[Pair]) -> Read:
        """The head's inputs."""
        ...


class TextReader:
    """Text steps, tokenizer and text encoder.

    Raises:
        UserError: a file is missing or damaged, or the package tokenizers is missing.
    """

    def __init__(self, folder: Path, config: TextInput, *, to: Format) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise UserError(f"{folder} needs tokenizers: pip install tokenizers") from error
        try:
            self.tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:  # the package raises nothing more precise
            raise UserError(f"{folder / TOKENIZER} cannot be read; export the model again") from error
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.config = config
        self.encoder = load_graph(folder, TEXT_ENCODER, to=to)

    def __call__(self, pairs: Sequence[Pair]) -> Read:
        """Encode texts; the empty one is a text without words."""
        texts = [normalise(pair.text, self.config.steps) for pair in pairs]
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        limit = self.config.max_length
        cut = [row if len(row) <= limit else [*row[: limit - 1], row[-1]] for row in rows]
        longest = max(SHORTEST, *map(len, cut))
        ids = np.full((len(cut), longest), self.config.pad_id, np.int64)
        mask = np.zeros_like(ids)
        for i, row in enumerate(cut):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        states = self.encoder({"input_ids": ids, "attention_mask": mask})[0]
        return Read(
            {"text_states": states, "attention_mask": mask},
            [bool(text.strip()) for text in texts],
            [truncation(len(row), limit) if len(row) > limit else None for row in rows],
        )


class ImageReader:
    """Preprocessing and the image encoder.

    Raises:
        UserError: the graph is missing or damaged.
    """

    def __init__(self, folder: Path, config: ImageInput, *, to: Format) -> None:
        self.config = config
        self.encoder = load_graph(folder, IMAGE_ENCODER, to=to)

    def __call__(self, pairs: Sequence[Pair]) -> Read:
        """Encode pictures; one that is absent or cannot be read has states of zeros."""
        loaded = [None if pair.picture is None else self._load(pair.picture) for pair in pairs]
        usable = [not isinstance(pixels, str | None) for pixels in loaded]
        states = np.zeros((len(loaded), *self.config.shape), np.float32)
        if any(usable):
            pixels = np.stack([each for each in loaded if not isinstance(each, str | None)])
            states[usable] = self.encoder({"pixels": pixels})[0]
        remarks = [each if isinstance(each, str) else None for each in loaded]
        return Read({"image_states": states, "has_image": np.array(usable)}, usable, remarks)

    def _load(self, picture: Picture) -> NDArray[np.uint8] | str:
        try:
            return self.config.preprocessing(open_image(picture))
        except UnreadableImageError as error:
            return str(error)
