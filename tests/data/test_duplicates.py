"""Text keys, picture hashes, the exact search and the groups, each against a slow oracle."""

from __future__ import annotations

import io
import itertools
import math
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sentipair.data.duplicates import (
    dhash,
    duplicate_groups,
    linked,
    near_pairs,
    phash,
    picture_key,
    picture_links,
    read_pictures,
    same_key_links,
    text_key,
)
from sentipair.data.images import UnreadableImageError
from sentipair.data.pair import Pair


def scene(seed: int, *, side: int = 160) -> Image.Image:
    """A picture with structure that survives re-encoding."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (side, side), tuple(rng.integers(0, 255, 3).tolist()))
    canvas = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y, r = rng.integers(0, side, 3).tolist()
        canvas.ellipse(
            (x - r // 3, y - r // 3, x + r // 3, y + r // 3), fill=tuple(rng.integers(0, 255, 3).tolist())
        )
    return picture


def encoded(picture: Image.Image, kind: str = "PNG", **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("text", "level", "key"),
    [
        ("  Hi  There ", "exact", "  Hi  There "),
        (" \n", "exact", ""),
        ("Look HTTP://t.co/aB1  here", "no urls", "look here"),
        ("www.example.org/x", "no urls", ""),
        ("https://t.co/x", "alphanumeric", ""),
        ("So… #good, http://t.co/y Day 2!", "alphanumeric", "sogoodday2"),
        ("Ça va 好", "alphanumeric", "çava好"),
        ("RT @Some_One: start of art @x", "alphanumeric", "startofart"),
        ("cafe\u0301 \uff11", "alphanumeric", "café1"),
        ("कि", "alphanumeric", "कि"),  # not की
    ],
)
def test_text_key(text: str, level: str, key: str) -> None:
    assert text_key(text, level) == key  # type: ignore[arg-type]


def naive_phash(grey: np.ndarray) -> int:
    size = len(grey)
    low = [
        sum(
            grey[y, x]
            * math.cos(math.pi * u * (2 * y + 1) / (2 * size))
            * math.cos(math.pi * v * (2 * x + 1) / (2 * size))
            for y in range(size)
            for x in range(size)
        )
        for u in range(8)
        for v in range(8)
    ]
    ordered = sorted(low)
    median = (ordered[31] + ordered[32]) / 2
    return int("".join("1" if value > median else "0" for value in low), 2)


def test_phash_is_the_thresholded_dct() -> None:
    for seed in range(3):
        grey = np.random.default_rng(seed).uniform(0, 255, (32, 32))
        assert phash(grey) == naive_phash(grey)


def test_dhash_is_the_sign_of_the_horizontal_gradient() -> None:
    grey = np.random.default_rng(0).integers(0, 255, (8, 9)).astype(float)
    bits = "".join("1" if grey[y, x + 1] > grey[y, x] else "0" for y in range(8) for x in range(8))
    assert dhash(grey) == int(bits, 2)
    assert dhash(np.ones((8, 9))) == 0


def test_re_encoding_and_scaling_keep_the_hashes_close() -> None:
    original, other = scene(0), scene(1)
    keys = [
        picture_key(encoded(original)),
        picture_key(encoded(original.resize((320, 320)), "JPEG", quality=60)),
        picture_key(encoded(other)),
    ]
    assert keys[0].sha256 != keys[1].sha256
    assert linked(3, picture_links(keys)) == [0, 0, 1]


def brute_force(phashes: list[int], dhashes: list[int], p: int, d: int) -> list[tuple[int, int]]:
    every = itertools.combinations(range(len(phashes)), 2)
    return [
        (i, j)
        for i, j in every
        if (phashes[i] ^ phashes[j]).bit_count() <= p and (dhashes[i] ^ dhashes[j]).bit_count() <= d
    ]


@pytest.mark.parametrize(("p", "d"), [(6, 8), (0, 0), (64, 3), (64, 64)])
def test_near_pairs_equals_brute_force(p: int, d: int) -> None:
    rng = np.random.default_rng(5)
    bases = rng.integers(0, 2**64, (8, 2), dtype=np.uint64)
    flips = np.zeros((80, 2), dtype=np.uint64)
    for row in flips:
        for column in (0, 1):
            for bit in rng.choice(64, rng.integers(0, 7), replace=False):
                row[column] |= np.uint64(1) << np.uint64(bit)
    hashes = bases[rng.integers(0, 8, 80)] ^ flips
    hashes[70:] = hashes[:10]
    found = near_pairs(hashes[:, 0].copy(), hashes[:, 1].copy(), phash_limit=p, dhash_limit=d)
    expected = brute_force(hashes[:, 0].tolist(), hashes[:, 1].tolist(), p, d)
    assert expected
    assert sorted(map(tuple, found.tolist())) == expected


def test_near_pairs_of_nothing_and_across_blocks() -> None:
    assert near_pairs(np.empty(0, np.uint64), np.empty(0, np.uint64)).shape == (0, 2)
    hashes = np.random.default_rng(1).integers(0, 2**64, 5000, dtype=np.uint64)
    hashes[4999] = hashes[0]  # farther apart than one block
    assert near_pairs(hashes, hashes).tolist() == [[0, 4999]]


def test_twenty_thousand_hashes_take_less_than_ten_seconds() -> None:
    rng = np.random.default_rng(2)
    phashes, dhashes = (rng.integers(0, 2**64, 20_000, dtype=np.uint64) for _ in range(2))
    phashes[10_000:] = phashes[:10_000] ^ np.uint64(1)
    dhashes[10_000:] = dhashes[:10_000] ^ np.uint64(2**63)
    start = time.perf_counter()
    found = near_pairs(phashes, dhashes)
    assert time.perf_counter() - start < 10
    assert found.tolist() == [[i, i + 10_000] for i in range(10_000)]


def test_linked_is_transitive_and_numbers_by_appearance() -> None:
    assert linked(6, [(4, 2), (1, 4), (5, 0)]) == [0, 1, 1, 2, 1, 0]
    assert linked(0, []) == []


def test_empty_keys_link_nothing() -> None:
    assert same_key_links(["", "a", None, "", "a", None, "a"]) == [(1, 4), (1, 6)]


def test_plain_pictures_are_duplicates_only_byte_by_byte() -> None:
    white, grey = Image.new("RGB", (50, 50), "white"), Image.new("RGB", (50, 50), "grey")
    keys = [picture_key(encoded(picture)) for picture in (white, grey, white)]
    assert keys[0].phash == keys[1].phash
    assert keys[0].plain
    assert linked(3, picture_links(keys)) == [0, 1, 0]


def test_unreadable_pictures_are_reported_not_raised(tmp_path: Path) -> None:
    good, text, cut, gone = (tmp_path / name for name in ("good.png", "text.jpg", "cut.jpg", "gone.jpg"))
    scene(0).save(good)
    text.write_text("no picture")
    cut.write_bytes(encoded(scene(0), "JPEG", quality=95)[:2000])
    paths = [good, text, cut, gone, good]
    keys = read_pictures([Pair(id="none"), *(Pair(id=str(i), image=path) for i, path in enumerate(paths))])
    assert set(keys) == {good, text, cut, gone}
    assert keys[good] == picture_key(good)
    assert [isinstance(keys[path], UnreadableImageError) for path in (text, cut, gone)] == [True, True, True]
    assert str(keys[gone]) == "no such file"
    assert read_pictures([Pair(id="none")]) == {}


def test_groups_pass_on_through_texts_and_pictures(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        scene(seed).save(tmp_path / f"{name}.jpg", quality=95 if name == "b" else 70)
    pairs = [
        Pair(id="1", text="Same words", image=tmp_path / "a.jpg"),
        Pair(id="2", text="other", image=tmp_path / "b.jpg"),  # the picture of 1
        Pair(id="3", text="OTHER http://t.co/1", image=tmp_path / "c.jpg"),  # the text of 2
        Pair(id="4", text="", image=tmp_path / "missing.jpg"),
        Pair(id="5", text="http://t.co/2"),
        Pair(id="6", text=""),
        Pair(id="7", text="same  words"),
    ]
    assert duplicate_groups(pairs) == [0, 0, 0, 1, 2, 3, 0]
    assert duplicate_groups([]) == []
