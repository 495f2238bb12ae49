"""Encoders that cost nothing and whose records can be computed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sentipair.encoders import Preprocessing

DIM = 6


class WordLengths:
    """One token per word between two of length 0; value [n, l, :] is 10·l + the length of word n."""

    def __init__(self, last: int, max_length: int, pad_to: int | None) -> None:
        self.last, self.max_length, self.pad_to = last, pad_to or max_length, pad_to
        self.dim = DIM
        self.encoded: list[str] = []

    def describe(self) -> dict[str, object]:
        return {"kind": "text", "last": self.last, "max_length": self.max_length, "pad_to": self.pad_to}

    def count_tokens(self, text: str) -> int:
        return len(text.split()) + 2

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float16]]:
        self.encoded += texts
        records = []
        for text in texts:
            words = map(len, text.split())
            lengths = [*[0, *words][: self.max_length - 1], 0]
            lengths += [99] * ((self.pad_to or 0) - len(lengths))
            layers = 10 * np.arange(self.last)
            tokens = np.add.outer(np.array(lengths), layers)[:, :, None]
            records.append(np.repeat(tokens, DIM, axis=2).astype(np.float16))
        return records


class Colours:
    """The mean colour of each quarter, twice over, behind ``prefix`` vectors of −1."""

    def __init__(self, prefix: int) -> None:
        self.preprocessing = Preprocessing(shorter_side=16, crop=16)
        self.prefix, self.shape, self.dim = prefix, (prefix + 4, DIM), DIM
        self.encoded = 0

    def describe(self) -> dict[str, object]:
        return {"kind": "image", "prefix": self.prefix}

    def encode(self, pictures: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float16]]:
        self.encoded += len(pictures)
        quarters = [p.reshape(2, 8, 2, 8, 3).mean(axis=(1, 3)).reshape(4, 3) for p in pictures]
        prefix = np.full((self.prefix, DIM), -1)
        return [np.concatenate([prefix, np.tile(q, (1, 2))]).astype(np.float16) for q in quarters]


class HandMadeEncoders:
    """Stands in for ``Encoders``."""

    def __init__(self, prefix: int = 0) -> None:
        self.image_encoder = Colours(prefix)
        self.texts: dict[tuple[int, int, int | None], WordLengths] = {}

    def text_encoder(self, *, last: int, max_length: int, pad_to: int | None) -> WordLengths:
        return self.texts.setdefault((last, max_length, pad_to), WordLengths(last, max_length, pad_to))


@pytest.fixture
def encoders() -> HandMadeEncoders:
    return HandMadeEncoders()


@pytest.fixture
def vit_encoders() -> HandMadeEncoders:
    return HandMadeEncoders(prefix=1)


@pytest.fixture(scope="session")
def workers() -> Path:
    """The folder with the scripts that tests run as separate processes."""
    return Path(__file__).parent / "workers"
