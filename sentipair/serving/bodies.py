"""Reading a request: how much is taken, and in which time; what was read counts until the answer is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from fastapi import HTTPException, Request

from sentipair.serving.limits import Limits
from sentipair.serving.problems import BusyError, busy

PATIENCE = 4
"""A body up to this many times the limit is read to its end: who is still sending hears no answer."""


class Body(NamedTuple):
    """What a request holds."""

    content_type: str
    data: bytes


def body_reader(limits: Limits) -> Callable[[Request], AsyncIterator[Body]]:
    """A dependency that gives the body of a request; 408, 413 or 429 where it is slow, large, or one too many."""
    held = 0

    async def read(request: Request) -> AsyncIterator[Body]:
        nonlocal held
        size = declared_size(request)
        if size > PATIENCE * limits.body:
            raise too_large(limits)
        reserved = min(size, limits.body)
        if held + reserved > limits.held:
            raise busy(BusyError(1))
        held += reserved
        try:
            yield Body(request.headers.get("content-type", ""), await collect(request, limits))
        finally:
            held -= reserved

    def declared_size(request: Request) -> int:
        size = request.headers.get("content-length", "")
        return int(size) if size.isascii() and size.isdigit() else limits.body

    return read


async def collect(request: Request, limits: Limits) -> bytes:
    """The whole body of ``request``.

    Raises:
        HTTPException: 408 where it takes too long, 413 where it is too large.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.seconds):
            async for part in request.stream():
                size += len(part)
                if size > PATIENCE * limits.body:
                    break
                if size <= limits.body:
                    parts.append(part)
    except TimeoutError:
        raise HTTPException(408, f"the request was not sent within {limits.seconds:g} s") from None
    if size > limits.body:
        raise too_large(limits)
    return b"".join(parts)


def too_large(limits: Limits) -> HTTPException:
    """The refusal of a large body."""
    return HTTPException(413, f"the request is larger than the limit of {limits.body:,} bytes")
