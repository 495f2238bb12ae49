"""Writing files so that nothing is ever half written: temporary file, fsync, rename."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from sentipair.errors import UserError

if sys.platform != "win32":
    import fcntl


NOT_FETCHED = "{} is an address, which is not fetched; download the picture"
"""Why a picture takes no part, with its address."""


def is_address(name: str) -> bool:
    """Whether ``name`` is an address on the web, not that of a file."""
    return re.match(r"\s*(https?|ftp)://", name, re.IGNORECASE) is not None


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether there is such a file; also of a name that none can have, such as a text of 300 letters."""
    return os.path.isfile(path)  # noqa: PTH113  # ``Path.is_file`` fails there


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether there is such a folder, see ``is_file``."""
    return os.path.isdir(path)  # noqa: PTH112


def below(folder: Path, name: str) -> Path:
    r"""The file that a table in ``folder`` calls ``name``; written on Windows it may be ``folder\name``."""
    path, other = folder / name, folder / name.replace("\\", "/")
    return other if not is_file(path) and is_file(other) else path


def same_place(one: Path, other: Path) -> bool:
    """Whether two paths lead to one place, however they are written and whether or not anything is there."""
    return one.expanduser().resolve() == other.expanduser().resolve()


def refuse_foreign(folder: Path, names: Iterable[str], *, config: str, keys: frozenset[str]) -> None:
    """Keep a command from overwriting files in ``folder`` that another has written.

    Args:
        folder: may not be there.
        names: of the files to be written.
        config: the one of them that tells what the others are, a JSON object.
        keys: what such an object has.

    Raises:
        UserError: one of the files is there, and the configuration is not of that kind.
    """
    there = [name for name in names if (folder / name).exists()]
    try:
        values = json.loads((folder / config).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        values = None
    if there and not (isinstance(values, dict) and keys <= values.keys()):
        raise UserError(
            f"{folder} holds another {there[0]}, which would be overwritten; choose another folder"
        )


def explain_os_error(error: OSError, path: Path) -> UserError:
    """One line for what the operating system refused while writing ``path``."""
    return UserError(f"cannot write {path}: {error.strerror or error}; free space or choose another folder")


@contextmanager
def atomic_write(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path``; on a clean exit it is synced to disk and renamed to ``path``.

    Readers see the old content or the new, never a part, also when the process is killed.

    Raises:
        UserError: the folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        temporary = Path(name)
        encoding = None if "b" in mode else "utf-8"
        with os.fdopen(descriptor, mode, encoding=encoding) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise explain_os_error(error, path) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes from working in ``folder`` at the same time; a process that dies lets go of it.

    Raises:
        UserError: another process is at work there, or the folder cannot be written to.
    """
    path = Path(folder) / ".lock"
    new = [parent for parent in path.parents if not parent.exists()]  # the innermost first
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("wb")
    except OSError as error:
        raise explain_os_error(error, path) from error
    with file:
        if not _locked(file, path):
            raise UserError(
                f"another sentipair is at work in {folder}; wait for it, or choose another --output"
            )
        try:
            yield
        finally:
            with suppress(OSError):  # on Windows an open file stays
                path.unlink()
            with suppress(OSError):  # up to the first in which something has been written
                for parent in new:
                    parent.rmdir()


def _locked(file: IO[Any], path: Path) -> bool:
    """Whether the lock is ours; a file that its last holder has just removed locks nothing."""
    if sys.platform == "win32":  # there, nobody is kept out
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except OSError:
        return False


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` in UTF-8, whole or not at all."""
    with atomic_write(path, "w") as file:
        file.write(text)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` to ``path`` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def sha256(*parts: bytes | str) -> str:
    """Hex SHA-256 over ``parts``; each part's length goes in too, so that ("ab", "c") differs from ("a", "bc")."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()
