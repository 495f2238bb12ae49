"""Other people's pictures, in every shape they come in."""

from __future__ import annotations

import struct
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sentipair.data.images import MAX_PIXELS, UnreadableImageError, open_image, picture_key

RED, WHITE = (255, 0, 0), (255, 255, 255)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def close(pixel: object, expected: tuple[int, ...], tolerance: int = 6) -> bool:
    return bool(np.abs(np.subtract(pixel, expected)).max() <= tolerance)  # type: ignore[arg-type]


def huge_png(side: int) -> bytes:
    """A black 1-bit PNG of any size in a few kilobytes, written by hand."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    squeeze = zlib.compressobj(1)
    row = bytes(1 + (side + 7) // 8) * 100
    pixels = b"".join(squeeze.compress(row) for _ in range(side // 100)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_plain_rgb_is_unchanged_from_a_path_and_from_bytes(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    for source in (path, path.read_bytes()):
        image = open_image(source)
        assert image.mode == "RGB"
        assert np.array_equal(np.asarray(image), pixels)


def test_one_pixel() -> None:
    assert open_image(encoded(Image.new("RGB", (1, 1), RED), "PNG")).getpixel((0, 0)) == RED


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match=r"^no such file$"):
        open_image(tmp_path / "none.jpg")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", bytes(1000)])
def test_what_is_no_picture_says_so(content: bytes) -> None:
    with pytest.raises(UnreadableImageError, match=r"^not a picture$"):
        open_image(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_picture_is_damaged(kind: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), kind)
    with pytest.raises(UnreadableImageError, match=r"^damaged"):
        open_image(whole[: int(len(whole) * share)])


def test_a_folder_in_place_of_a_picture_is_one_reason(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError):
        open_image(tmp_path)


def test_too_many_pixels_are_refused_without_decoding() -> None:
    with pytest.raises(UnreadableImageError, match="too many pixels"):
        open_image(huge_png(20_000))
    side = 11_000  # above our limit, below that at which PIL itself refuses
    assert side * side > MAX_PIXELS
    with pytest.raises(UnreadableImageError, match=r"^11000×11000 pixels, the limit is 100,000,000$"):
        open_image(huge_png(side))


def test_a_large_jpeg_is_reduced_while_decoding_but_not_below_the_draft_side() -> None:
    reduced = open_image(encoded(Image.new("RGB", (4200, 2100), RED), "JPEG"))
    assert reduced.size == (2100, 1050)
    assert open_image(encoded(Image.new("RGB", (1500, 1200), RED), "JPEG")).size == (1500, 1200)
    assert open_image(encoded(Image.new("RGB", (1500, 1200), RED), "JPEG"), side=64).size == (188, 150)


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, (0, 255, 0), (0, 0, 255))]
    image = open_image(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert close(image.getpixel((2, 2)), RED)


def test_cmyk_becomes_rgb() -> None:
    image = open_image(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95))
    assert image.mode == "RGB"
    assert close(image.getpixel((8, 8)), RED)


def test_sixteen_bits_are_scaled_also_when_the_picture_is_dark() -> None:
    ramp = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    assert np.asarray(open_image(encoded(Image.fromarray(ramp), "PNG")))[0, :, 0].tolist() == [0, 1, 128, 255]
    dark = np.full((1, 2), 250, dtype=np.uint16)  # nearly black, and not the 8-bit grey 250
    assert np.asarray(open_image(encoded(Image.fromarray(dark), "PNG"))).max() == 0


def test_floating_point_greys_with_gaps_do_not_fail() -> None:
    values = np.array([[0.0, 128.0, np.nan, 300.0]], dtype=np.float32)
    assert open_image(encoded(Image.fromarray(values), "TIFF")).mode == "RGB"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = np.zeros((16, 32, 3), dtype=np.uint8)
    upright[:8, :16] = RED  # the upper left quarter
    inverse = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # orientation → PIL's transposition that undoes it
    stored = Image.fromarray(upright)
    if orientation != 1:
        stored = stored.transpose(Image.Transpose(inverse[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = open_image(encoded(stored, "JPEG", exif=exif, quality=95, subsampling=0))
    assert image.size == (32, 16)
    assert close(image.getpixel((4, 4)), RED, 12)
    assert close(image.getpixel((28, 12)), (0, 0, 0), 12)


def test_transparency_is_laid_over_white() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([*RED, 0, 0, 255])
    palette.putdata([0, 1])
    image = open_image(encoded(palette, "PNG", transparency=1))
    assert [image.getpixel((x, 0)) for x in (0, 1)] == [RED, WHITE]
    by_bytes = open_image(encoded(palette, "PNG", transparency=bytes([255, 0])))
    assert [by_bytes.getpixel((x, 0)) for x in (0, 1)] == [RED, WHITE]
    half = open_image(encoded(Image.new("RGBA", (1, 1), (0, 0, 0, 128)), "PNG"))
    assert close(half.getpixel((0, 0)), (127, 127, 127), 1)
    assert open_image(encoded(Image.new("LA", (1, 1), (0, 0)), "PNG")).getpixel((0, 0)) == WHITE


def test_damaged_exif_is_read_in_silence() -> None:
    plain = encoded(Image.new("RGB", (8, 8), RED), "JPEG")
    damaged = b"Exif\0\0II*\0\x08\0\0\0\xff\x00\x12\x01\x03\x00\x01\0\0\0"
    marker = b"\xff\xe1" + struct.pack(">H", len(damaged) + 2) + damaged
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert close(open_image(plain[:2] + marker + plain[2:]).getpixel((4, 4)), RED)
    assert caught == []


def test_many_threads_leave_the_warning_filters_as_they_were() -> None:
    picture = encoded(Image.new("RGB", (8, 8), RED), "JPEG")
    before = list(warnings.filters)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns so often that a race shows
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(open_image, [picture] * 2000))
    finally:
        sys.setswitchinterval(interval)
    assert warnings.filters == before


def test_an_open_picture_is_read_as_its_file_and_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    drawn = Image.new("P", (3, 2))
    drawn.putpalette([0, 0, 0, 255, 0, 0])
    drawn.putpixel((0, 0), 1)
    drawn.save(path, exif=exif)
    with Image.open(path) as image:
        found = open_image(image)
        assert (image.mode, image.size) == ("P", (3, 2))
        image.getpixel((0, 0))  # not closed
    expected = open_image(path)
    assert (found.mode, found.size) == ("RGB", (2, 3))
    assert found.tobytes() == expected.tobytes()


def test_an_open_picture_has_the_limits_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentipair.data.images.MAX_PIXELS", 5)
    for size, reason in (((3, 2), "3×2 pixels, the limit is 5"), ((0, 2), "no pixels")):
        with pytest.raises(UnreadableImageError, match=reason):
            open_image(Image.new("RGB", size))
        assert picture_key(Image.new("RGB", size)) is None


def test_the_key_of_a_picture_is_that_of_its_content(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (3, 2), "red").save(path)
    assert picture_key(path) == picture_key(path.read_bytes())
    assert picture_key(tmp_path / "absent.png") is None
    keys = {
        picture_key(Image.new("RGB", size, colour)) for size in ((3, 2), (2, 3)) for colour in ("red", "blue")
    }
    assert len(keys) == 4
    assert picture_key(Image.new("L", (3, 2), 7)) == picture_key(Image.new("RGB", (3, 2), (7, 7, 7)))
