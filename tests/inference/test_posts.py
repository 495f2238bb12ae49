"""Pictures and posts in every form that people have them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sentipair.data import Pair, Post
from sentipair.errors import UserError
from sentipair.inference.posts import as_pair, from_array, make_pair


def test_absent_pictures_are_none() -> None:
    for image in (None, ""):
        assert make_pair(image=image, text="x", name="7") == Pair(id="7", text="x")


def test_a_path_stays_a_path_and_content_is_kept() -> None:
    assert make_pair(image="a.jpg", text="", name="7").image == Path("a.jpg")
    for content in (b"bytes", bytearray(b"bytes"), memoryview(b"bytes")):
        pair = make_pair(image=content, text="", name="7")
        assert isinstance(pair, Post)
        assert (pair.image, pair.picture) == (None, b"bytes")


def test_withholding_takes_what_was_opened_as_well() -> None:
    post = Post(id="7", text="x", opened=b"bytes", attributes=("dog",), rationales={"positive": "y"})
    assert post.without("text") == Post(id="7", opened=b"bytes", attributes=("dog",))
    assert post.without("image") == Post(id="7", text="x", rationales={"positive": "y"})
    assert post.without("image").picture is None


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3), (4, 6, 4)])
def test_arrays_of_bytes_and_of_fractions_are_the_same_picture(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    image = from_array(pixels)
    assert image.size == (6, 4)
    assert np.array_equal(np.asarray(image), pixels.squeeze())
    assert np.array_equal(np.asarray(from_array(pixels / 255)), pixels.squeeze())


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 6, 2), np.uint8),
        np.zeros((3, 4, 6), np.uint8),
        np.zeros((0, 6, 3), np.uint8),
        np.zeros(5, np.uint8),
        np.full((4, 6), 200.0),
        np.zeros((4, 6), np.int64),
        np.array([["a"]]),
        object(),
    ],
)
def test_other_arrays_are_one_line(pixels: Any) -> None:
    with pytest.raises(UserError, match="cannot use pixels of shape") as error:
        from_array(pixels)
    assert "\n" not in str(error.value)


def test_rows_lose_their_empty_cells() -> None:
    class NAType:
        pass

    for nothing in (None, float("nan"), NAType()):
        assert as_pair({"image": nothing, "text": "x", "other": 1}, number=3) == Pair(id="3", text="x")
        assert as_pair({"image": "a.jpg", "text": nothing}, number=3) == Pair(id="3", image=Path("a.jpg"))
    pair = Pair(id="own")
    assert as_pair(pair, number=3) is pair
    array = np.zeros((2, 2), np.uint8)
    assert isinstance(as_pair({"image": array}, number=3).picture, Image.Image)


@pytest.mark.parametrize("value", [{"words": "x"}, "x", 7, {"text": 7}, {"image": object()}])
def test_what_is_no_post_is_one_line(value: Any) -> None:
    with pytest.raises(UserError, match=r"post 3|pixels") as error:
        as_pair(value, number=3)
    assert "\n" not in str(error.value)


def test_an_open_picture_keeps_its_state() -> None:
    file = BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    image = Image.open(file)
    pair = make_pair(image=image, text="", name="7")
    assert pair.picture is image
