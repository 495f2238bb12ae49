"""The journal: a complete line counts, anything else does not, and other circumstances begin anew."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sentipair.errors import UserError
from sentipair.inference.journal import Journal
from sentipair.inference.verdicts import Verdict

CHUNKS = [
    [Verdict([0.25, 0.75], "no", "yes", "no", True, "no picture", True), Verdict(problem="neither")],
    [Verdict([1.0, 0.0], "ja – 😊")],
    [Verdict([0.5, 0.5])] * 3,
]


def write(path: Path, circumstances: dict[str, str]) -> bytes:
    with closing(Journal(path, circumstances)) as journal:
        for chunk in CHUNKS:
            journal.append(chunk)
    return path.read_bytes()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(tmp_path / "journal", {"a": "1"})
    with closing(Journal(tmp_path / "journal", {"a": "1"})) as journal:
        assert (journal.chunks, journal.rows, journal.changed) == (3, 6, [])
        assert list(journal) == CHUNKS


def test_cut_anywhere_only_complete_lines_count_and_the_end_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    whole = write(path, {"a": "1"})
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with closing(Journal(path, {"a": "1"})) as journal:
            assert journal.chunks == max(0, whole[:length].count(b"\n") - 1)
            assert journal.changed == []
            for chunk in CHUNKS[journal.chunks :]:
                journal.append(chunk)
        assert path.read_bytes() == whole


def test_other_circumstances_begin_anew_and_are_named(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    write(path, {"the table": "1", "the model": "2"})
    with closing(Journal(path, {"the table": "1", "the model": "3"})) as journal:
        assert (journal.chunks, journal.rows, journal.changed) == (0, 0, ["the model"])
    assert path.read_bytes().count(b"\n") == 1


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: Any) -> None:
        raise OSError(28, "No space left on device")

    with closing(Journal(tmp_path / "journal", {})) as journal:
        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(UserError, match="No space left on device; free space"):
            journal.append(CHUNKS[0])
        assert journal.chunks == 0
    with pytest.raises(UserError, match="cannot write"):
        Journal(tmp_path / "absent" / "journal", {})
