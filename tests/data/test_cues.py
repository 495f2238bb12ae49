"""The cues of hand-made texts, and the surface of pictures whose encoding is known."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sentipair.data.cues import TEXT_CUES, blanks, jpeg_quality, length, marks, surface
from sentipair.data.images import open_image, read_header


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("one two", (0, 0, 0)),
        ("one  two", (1, 0, 0)),
        ("one \u00a0 two", (1, 0, 0)),
        ("  one", (0, 1, 0)),  # a run at an end is not inside
        ("one  ", (0, 0, 1)),
        (" a  b ", (1, 1, 1)),
        ("  ", (0, 1, 1)),
        ("", (0, 0, 0)),
    ],
)
def test_blanks_inside_before_and_behind(text: str, found: tuple[int, ...]) -> None:
    assert blanks(text) == found


def test_length_and_marks() -> None:
    assert length("two words") == (9, 2)
    assert length("") == (0, 0)
    assert marks("#Good @you: 12 😂☀ emoji_92!") == (1, 1, 4, 3, 2, pytest.approx(1 / 12))
    assert marks("") == (0, 0, 0, 0, 0, 0.0)
    assert marks("...,—") == (0, 0, 0, 0, 5, 0.0)


def test_every_family_gives_the_same_number_of_cues_for_any_text() -> None:
    for cues in TEXT_CUES.values():
        assert len({len(cues(text)) for text in ("", " ", "a", "#A  b 😂\n")}) == 1


def encoded(picture: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("quality", [1, 10, 33, 50, 75, 85, 95, 100])
def test_the_quality_that_a_jpeg_was_saved_with(quality: int) -> None:
    picture = Image.effect_noise((32, 32), 40).convert("RGB")
    table = read_header(encoded(picture, "JPEG", quality=quality)).quantisation
    if quality > 1:
        assert jpeg_quality(table) == quality
    else:
        assert jpeg_quality(table) <= 2  # the coarsest tables are all 255 at the same places


def test_the_surface_of_a_picture() -> None:
    picture = Image.new("RGB", (60, 40), (200, 100, 0))
    data = encoded(picture, "PNG")
    found = surface(data, open_image(data))
    assert found == (60, 40, 1.5, 100, len(data), 200, 100, 0)
    half = np.zeros((10, 20, 3), np.uint8)
    half[:, :10] = 255
    data = encoded(Image.fromarray(half), "PNG")
    assert surface(data, open_image(data))[5:] == (127.5,) * 3


def test_the_size_is_that_of_the_file_also_where_a_reduced_picture_is_decoded() -> None:
    data = encoded(Image.new("RGB", (4400, 4200)), "JPEG")
    image = open_image(data)
    assert image.size != (4400, 4200)
    assert surface(data, image)[:2] == (4400, 4200)
