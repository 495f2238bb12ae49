"""The JSON files in which CLMLF (Findings of NAACL 2022) ships the texts and labels of MVSA and HFM."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from sentipair.data.text import whole_characters
from sentipair.errors import UserError


class Row(NamedTuple):
    """One post; ``code`` is the published label code."""

    id: str
    text: str
    code: int


def read_rows(path: Path) -> list[Row]:
    """The rows of one of CLMLF's files, in its order.

    Raises:
        UserError: the file is damaged.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
        return [Row(str(row["id"]), whole_characters(row["text"]), int(row["emotion_label"])) for row in rows]
    except (AttributeError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}); fetch it again") from error
