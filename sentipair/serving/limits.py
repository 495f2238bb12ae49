"""What one request, and all requests together, may take of the server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of the server; what goes beyond them is refused with a reason.

    A picture of too many pixels takes no part, as one that cannot be read; of a batch, a post with a long text is not
    scored. Both are told in the answer.

    Attributes:
        body: bytes of one request.
        held: bytes of all requests that are being read or answered.
        pixels: of one picture.
        text: characters of one text.
        posts: in one request.
        queue: posts that wait for an answer or are being scored.
        seconds: to send a request, and again to wait for the answer.
    """

    body: int = 10_000_000
    held: int = 200_000_000
    pixels: int = 50_000_000
    text: int = 100_000
    posts: int = 64
    queue: int = 128
    seconds: float = 30.0
