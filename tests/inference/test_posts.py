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
from sentipair.inference.posts import Given, as_post, from_array, make_pair


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
        assert make_pair(image=nothing, text=nothing, name="3") == Pair(id="3")
        assert as_post({"image": nothing, "text": "x", "other": 1}, name="3") == Given(Pair(id="3", text="x"))
        only_picture = Given(Pair(id="3", image=Path("a.jpg")))
        assert as_post({"image": "a.jpg", "text": nothing}, name="3") == only_picture
    pair = Pair(id="own", text="x", label="good")
    assert as_post(pair, name="3") == Given(pair)
    assert as_post(Pair(id="own", text="cut \ud83d"), name="3").pair.text == "cut \ufffd"
    array = np.zeros((2, 2), np.uint8)
    assert isinstance(as_post({"image": array}, name="3").pair.picture, Image.Image)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"words": "x"}, "not a Pair, and has neither"),
        ("x", "not a Pair"),
        (7, "not a Pair"),
        ({"text": 7, "image": "a.jpg"}, "the text is not a string: 7"),
        ({"text": " "}, "neither a text nor a picture"),
        (Pair(id="3"), "neither a text nor a picture"),
    ],
)
def test_what_is_no_post_has_a_problem_in_one_line(value: Any, problem: str) -> None:
    post = as_post(value, name="3")
    assert post.pair.picture is None
    assert not post.pair.text.strip()
    assert problem in str(post.problem)
    assert "\n" not in str(post.problem)


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        (object(), "cannot use pixels of shape"),
        ([[1], [2, 3]], "cannot use pixels whose rows differ in length"),
        (" https://example.com/a.jpg", "https://example.com/a.jpg is an address, which is not fetched"),
    ],
)
def test_a_picture_that_is_none_leaves_the_text(image: Any, problem: str) -> None:
    post = as_post({"image": image, "text": "x"}, name="3")
    assert post.pair == Pair(id="3", text="x")
    assert str(post.problem).startswith(problem)


def test_blanks_around_a_path_do_not_count() -> None:
    assert make_pair(image=" a.jpg ", text="", name="3").image == Path("a.jpg")


def test_text_that_utf8_cannot_hold_is_mended() -> None:
    cut, whole = "a cut emoji \ud83d", "an emoji in halves \ud83d\ude00"
    assert make_pair(image=None, text=cut, name="3").text == "a cut emoji \ufffd"
    assert make_pair(image=None, text=whole, name="3").text == "an emoji in halves 😀"


def test_an_open_picture_keeps_its_state() -> None:
    file = BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    image = Image.open(file)
    pair = make_pair(image=image, text="", name="7")
    assert pair.picture is image
