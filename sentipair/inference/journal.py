"""What has been scored so far, on disk, so that a killed scoring goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from sentipair.files import explain_os_error
from sentipair.inference.verdicts import Verdict


class Journal:
    """A file with a line per chunk of rows, behind one that says what is being scored by what.

    A line counts once it is complete and on disk. What a killed process began to write is cut off, and what belongs to
    other circumstances is thrown away.

    Args:
        path: the file; made if it does not exist.
        circumstances: plain values that decide what comes of a row.

    Attributes:
        changed: names of the circumstances that were others, if there was such a file.
        chunks: complete lines.
        rows: verdicts in them.

    Raises:
        UserError: it cannot be written.
    """

    def __init__(self, path: Path, circumstances: Mapping[str, Any]) -> None:
        self.path = path
        self.changed: list[str] = []
        self.chunks = self.rows = 0
        try:
            self._file: IO[bytes] = path.open("a+b")
            self._file.seek(0)
            self._continue(dict(circumstances))
        except OSError as error:
            raise explain_os_error(error, path) from error

    def append(self, verdicts: Sequence[Verdict]) -> None:
        """Keep what came of the next chunk.

        Raises:
            UserError: the disk is full.
        """
        try:
            self._write(verdicts)
        except OSError as error:
            raise explain_os_error(error, self.path) from error
        self.chunks += 1
        self.rows += len(verdicts)

    def __iter__(self) -> Iterator[list[Verdict]]:
        """What came of every chunk, in order."""
        with self.path.open("rb") as file:
            next(file)
            for line in file:
                yield [Verdict(*fields) for fields in json.loads(line)]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _continue(self, circumstances: dict[str, Any]) -> None:
        before = _parsed(self._file.readline())
        if before != circumstances:
            known = before if isinstance(before, dict) else {}
            self.changed = [name for name in known if known[name] != circumstances.get(name)]
            self._file.truncate(0)
            self._write(circumstances)
            return
        complete = self._file.tell()
        for line in self._file:
            verdicts = _parsed(line)
            if verdicts is None:
                break
            complete += len(line)
            self.chunks += 1
            self.rows += len(verdicts)
        self._file.truncate(complete)

    def _write(self, value: Any) -> None:
        self._file.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _parsed(line: bytes) -> Any:
    """The value of a complete line."""
    try:
        return json.loads(line) if line.endswith(b"\n") else None
    except ValueError:  # of a machine that lost its power
        return None
