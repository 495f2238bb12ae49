"""API keys: who may ask, where the server is not for everybody."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sentipair.errors import UserError

VARIABLE = "SENTIPAIR_API_KEYS"

Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="An API key, where the server asks for one.")),
]


def read_keys(file: Path | None = None) -> list[str]:
    """The keys in ``file``, one per line, or in the environment variable ``SENTIPAIR_API_KEYS``, separated by blanks.

    In a file, empty lines and those that begin with ``#`` are left out.

    Raises:
        UserError: the file cannot be read or holds no key, or a key has blanks or letters beyond ASCII, which cannot be
            sent in a header.
    """
    if file is None:
        keys, place = os.environ.get(VARIABLE, "").split(), VARIABLE
    else:
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"cannot read the API keys in {file}: {error}") from error
        keys, place = (
            [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")],
            str(file),
        )
        if not keys:
            raise UserError(f"there is no API key in {file}; write one per line")
    for number, key in enumerate(keys, start=1):
        if not re.fullmatch(r"[!-~]+", key):
            raise UserError(
                f"key {number} in {place} has blanks or other signs that a header cannot hold; change it"
            )
    return keys


def key_check(keys: Iterable[str]) -> Callable[[HTTPAuthorizationCredentials | None], None]:
    """A dependency that lets in who has one of ``keys``."""
    known = [_digest(key) for key in keys]

    def check(given: Bearer) -> None:
        digest = _digest(given.credentials if given else "")
        matches = [hmac.compare_digest(digest, other) for other in known]  # all of them: in constant time
        if not any(matches):
            raise HTTPException(
                401,
                'give an API key in the header "Authorization: Bearer KEY"',
                headers={"WWW-Authenticate": "Bearer"},
            )

    return check


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
