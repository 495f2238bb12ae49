"""API keys: who may ask, where the server is not for everybody."""

from __future__ import annotations

import hashlib
import hmac
import os
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

    Raises:
        UserError: the file cannot be read, or holds no key.
    """
    if file is None:
        return os.environ.get(VARIABLE, "").split()
    try:
        keys = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the API keys in {file}: {error}") from error
    if not keys:
        raise UserError(f"there is no API key in {file}; write one per line")
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
