"""Answers on disk, so that nothing is paid for twice: JSON lines in one file per model, appended and never changed.

A line is on the disk before the answer counts as given; a kill in the middle leaves a part of a line, which is passed
over. One process at a time asks a model into a folder (``sentipair.files.alone_in``). Reading needs no lock.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import Literal

from sentipair.errors import UserError
from sentipair.files import explain_os_error
from sentipair.rationales.questions import Key

ANSWERS = "answers.jsonl"

Problem = Literal["refusal", "empty", "malformed"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model answered.

    Attributes:
        key: what was asked.
        text: the rationale or the verdict; what was said instead if there is a ``problem``.
        problem: why the answer is of no use, ``None`` if it is.
        tokens_in: of the question with its picture, as the server counted them; 0 if it did not.
        tokens_out: of the answer.
        cut: the answer was longer than was asked for and lacks its end.
    """

    key: Key
    text: str
    problem: Problem | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    cut: bool = False

    def line(self) -> bytes:
        """The answer as one line of JSON; the inverse of ``read``."""
        values = asdict(self) | {"key": self.key._asdict()}
        return json.dumps(values, ensure_ascii=True).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Answer | None:
        """The answer in a line, ``None`` where the line is damaged."""
        try:
            values = json.loads(line)
            return cls(**{**values, "key": Key(**values["key"])})
        except (ValueError, KeyError, TypeError):
            return None


class AnswerStore:
    """The answers of one model.

    Args:
        folder: of the model, see ``model_folder``; made when the first answer is added.
    """

    def __init__(self, folder: Path) -> None:
        self.path = Path(folder) / ANSWERS
        self._answers = {answer.key: answer for answer in _read_all(self.path)}

    def __len__(self) -> int:
        return len(self._answers)

    def __contains__(self, key: Key) -> bool:
        return key in self._answers

    def get(self, key: Key) -> Answer | None:
        """The last answer to a question."""
        return self._answers.get(key)

    def add(self, answer: Answer) -> None:
        """Keep an answer; it is on the disk when this returns.

        Raises:
            UserError: the file cannot be written to, or the disk is full.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+", buffering=0) as file:
                line = answer.line()
                if file.tell() and not self._ends_whole(file):
                    line = b"\n" + line  # behind what a kill has left
                if file.write(line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
        except OSError as error:
            raise explain_os_error(error, self.path) from error
        self._answers[answer.key] = answer

    @staticmethod
    def _ends_whole(file: FileIO) -> bool:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def model_folder(output: Path, model: str) -> Path:
    """The folder of a model's answers below ``output``, called as the model as far as file names allow."""
    return Path(output) / (re.sub(r"[^\w.-]+", "-", model).strip("-.") or "model")


def _read_all(path: Path) -> Iterator[Answer]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; choose another --output") from error
    for line in content.split(b"\n"):
        if answer := Answer.read(line):
            yield answer
