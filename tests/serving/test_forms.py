"""Multipart forms against those that a client library writes, cut and damaged in every place."""

from __future__ import annotations

import httpx2
import pytest

pytest.importorskip("python_multipart")

from sentipair.serving.forms import FormError, parse_form


def written() -> tuple[str, bytes]:
    """A form by another library, with all bytes and something like a boundary in its file."""
    content = bytes(range(256)) * 3 + b"\r\n--b\r\n"
    request = httpx2.Request(
        "POST", "http://x", data={"text": "naïve — ☀"}, files={"image": ('a "b".jpg', content)}
    )
    return request.headers["content-type"], request.read()


def test_a_form_is_read_as_it_was_written() -> None:
    parts = {part.name: part for part in parse_form(*written())}
    assert parts["text"].text == "naïve — ☀"
    assert parts["text"].filename is None
    assert parts["image"].data == bytes(range(256)) * 3 + b"\r\n--b\r\n"
    assert parts["image"].filename is not None


def test_a_form_that_was_cut_is_never_read() -> None:
    kind, data = written()
    whole = data.rstrip(b"\r\n")
    for length in range(0, len(whole), 7):
        with pytest.raises(FormError):
            parse_form(kind, whole[:length])


def test_a_text_that_is_not_utf8_is_told() -> None:
    data = b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\n\xff\r\n--b--\r\n'
    (part,) = parse_form("multipart/form-data; boundary=b", data)
    with pytest.raises(FormError, match="the field text is not in UTF-8"):
        _ = part.text
