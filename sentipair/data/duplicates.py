"""Which posts are the same post again: by the text, by the picture's bytes, or by what it shows."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sentipair.data.cues import Surface, surface
from sentipair.data.images import UnreadableImageError, open_image
from sentipair.data.pair import Pair
from sentipair.files import is_file
from sentipair.progress import track

TextLevel = Literal["exact", "no urls", "alphanumeric"]
TEXT_LEVELS: tuple[TextLevel, ...] = ("exact", "no urls", "alphanumeric")

PHASH_LIMIT = 6
DHASH_LIMIT = 8
"""Two pictures are near-identical when at most this many of the 64 bits differ, in both hashes."""

PLAIN = 2.0
"""Below this standard deviation of the grey values (0 to 255) a picture is plain: its hashes are noise."""

_URL = re.compile(r"(?:https?://|www\.)\S*", re.IGNORECASE)
_ADDRESSED = re.compile(r"\brt\b|@\w+")
_FREQUENCIES, _POSITIONS = np.arange(8)[:, None], np.arange(32)[None, :]
_DCT = 2 * np.cos(np.pi * _FREQUENCIES * (2 * _POSITIONS + 1) / 64)  # (8, 32), DCT-II


@dataclass(frozen=True, slots=True)
class PictureKey:
    """What a picture is compared by, and its surface, which costs little while it is open.

    Attributes:
        sha256: of the file's bytes, hex.
        phash: 64 bits; the 8×8 lowest frequencies of the 32×32 grey picture, above their median or not.
        dhash: 64 bits; the 8×9 grey picture, brighter than the left neighbour or not.
        plain: hardly any contrast, so that the two perceptual hashes say nothing.
        surface: size, format and colour of the file.
    """

    sha256: str
    phash: int
    dhash: int
    plain: bool
    surface: Surface


Pictures = Mapping[Path, PictureKey | UnreadableImageError]
"""Every picture that was read, or why it could not be."""

_read: dict[tuple[Path, object], PictureKey | UnreadableImageError] = {}
"""What this process has read, by path and ``stamp``: a split and the facts about it both ask."""


def text_key(text: str, level: TextLevel) -> str:
    """What two texts are compared by; empty when nothing is left to compare.

    ``exact``: the text itself. ``no urls``: lower case, URLs removed, blanks collapsed. ``alphanumeric``: of
    that, without ``RT`` and ``@somebody``, letters (with their accents and vowel signs) and digits alone, in NFKC.
    """
    if level == "exact":
        return text if text.strip() else ""
    text = " ".join(_URL.sub(" ", text.lower()).split())
    if level == "no urls":
        return text
    letters = unicodedata.normalize("NFKC", _ADDRESSED.sub(" ", text))
    return "".join(letter for letter in letters if unicodedata.category(letter)[0] in "LMN")


def phash(grey: NDArray[np.float64]) -> int:
    """The 64-bit perceptual hash of a grey picture ``[32, 32]`` (Zauner 2010, as in imagehash)."""
    low = (_DCT @ grey @ _DCT.T).round(6)  # or rounding noise would decide the bits of symmetric pictures
    return _bits(low > np.median(low))


def dhash(grey: NDArray[np.float64]) -> int:
    """The 64-bit horizontal gradient hash of a grey picture ``[8, 9]``."""
    return _bits(grey[:, 1:] > grey[:, :-1])


def picture_key(source: Path | bytes) -> PictureKey:
    """Read a picture and hash it.

    Raises:
        UnreadableImageError: the file is missing, damaged or no picture.
    """
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise UnreadableImageError(
            "no such file" if isinstance(error, FileNotFoundError) else str(error)
        ) from error
    image = open_image(data)
    grey = image.convert("L")
    square = _reduced(grey, 32, 32)
    return PictureKey(
        sha256=hashlib.sha256(data).hexdigest(),
        phash=phash(square),
        dhash=dhash(_reduced(grey, 9, 8)),
        plain=bool(square.std() < PLAIN),
        surface=surface(data, image),
    )


def read_pictures(pairs: Iterable[Pair]) -> Pictures:
    """Hash the pictures of ``pairs`` on all cores behind a progress bar; an unreadable one yields its error."""

    def read(place: tuple[Path, object]) -> None:
        try:
            _read[place] = picture_key(place[0])
        except UnreadableImageError as error:
            _read[place] = error

    places = [(path, stamp(path)) for path in sorted({pair.image for pair in pairs if pair.image})]
    new = [place for place in places if place not in _read]
    if new:
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding and resizing release the interpreter lock
            for _ in track(pool.map(read, new), "hashing pictures", len(new)):
                pass
    return {place[0]: _read[place] for place in places}


def stamp(path: Path | None) -> tuple[int, int] | None:
    """Size and time of a file, which tell whether it has changed; None where there is none."""
    if path is None or not is_file(path):
        return None
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def near_pairs(
    phashes: NDArray[np.uint64],
    dhashes: NDArray[np.uint64],
    *,
    phash_limit: int = PHASH_LIMIT,
    dhash_limit: int = DHASH_LIMIT,
) -> NDArray[np.int64]:
    """All index pairs i < j whose hashes are close, ``[M, 2]``, exact.

    Compares every hash with every other in blocks that fit the cache: 20,000 hashes take about a second.
    """
    count, block = len(phashes), 4096
    found = [np.empty((0, 2), np.int64)]
    for i in range(count):
        for start in range(i + 1, count, block):
            near = np.bitwise_count(phashes[start : start + block] ^ phashes[i]) <= phash_limit
            if near.any():
                j = start + np.flatnonzero(near)
                j = j[np.bitwise_count(dhashes[j] ^ dhashes[i]) <= dhash_limit]
                found.append(np.stack([np.full_like(j, i), j], axis=1))
    return np.concatenate(found)


def linked(count: int, links: Iterable[tuple[int, int]]) -> list[int]:
    """Connected components of ``count`` items: a group number per item, from 0 in the order of appearance."""
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for a, b in links:
        parent[root(b)] = root(a)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(item), len(numbers)) for item in range(count)]


def same_key_links(keys: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Links from the first item with a key to every later one; false keys (``""``, ``None``) link nothing."""
    first: dict[Hashable, int] = {}
    return [(first[key], i) for i, key in enumerate(keys) if key and first.setdefault(key, i) != i]


def picture_links(keys: Sequence[PictureKey | None]) -> list[tuple[int, int]]:
    """Links between near-identical pictures; plain pictures are linked by identical bytes only."""
    links = same_key_links([key and key.sha256 for key in keys])
    telling: dict[tuple[int, int], int] = {}
    for i, key in enumerate(keys):
        if key and not key.plain:
            first = telling.setdefault((key.phash, key.dhash), i)
            if first != i:
                links.append((first, i))
    hashes = np.array(list(telling), dtype=np.uint64).reshape(-1, 2)
    items = list(telling.values())
    return links + [(items[a], items[b]) for a, b in near_pairs(hashes[:, 0].copy(), hashes[:, 1].copy())]


def keys_of(pairs: Sequence[Pair], known: Pictures) -> list[PictureKey | None]:
    """Each pair's picture key, None where it has no readable picture."""
    found = [known.get(pair.image) if pair.image else None for pair in pairs]
    return [key if isinstance(key, PictureKey) else None for key in found]


def duplicate_groups(pairs: Sequence[Pair]) -> list[int]:
    """A group number per pair: a group shares a text, at any of ``TEXT_LEVELS``, or a similar picture.

    Sharing is passed on: if A and B share a text and B and C a picture, all three are one group. An own split
    keeps every group on one side. Pictures are read and hashed here; without any only texts are compared.
    """
    texts = [
        link
        for level in TEXT_LEVELS
        for link in same_key_links([text_key(pair.text, level) for pair in pairs])
    ]
    return linked(len(pairs), texts + picture_links(keys_of(pairs, read_pictures(pairs))))


def _reduced(grey: Image.Image, width: int, height: int) -> NDArray[np.float64]:
    return np.asarray(grey.resize((width, height), Image.Resampling.LANCZOS), dtype=np.float64)


def _bits(mask: NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(mask).tobytes(), "big")
