"""Files are written whole or not at all, also when the writer is killed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sentipair.errors import UserError
from sentipair.files import alone_in, atomic_write, sha256, write_json, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_folders_are_made_and_the_content_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.bin"
    with atomic_write(path) as file:
        file.write(b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert names(path.parent) == ["file.bin"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_until_the_end_readers_see_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_text(path, "old")
    with atomic_write(path, "w") as file:
        file.write("new")
        file.flush()
        assert path.read_text(encoding="utf-8") == "old"
    assert path.read_text(encoding="utf-8") == "new"


def write_half(path: Path, error: type[BaseException]) -> None:
    with atomic_write(path) as file:
        file.write(b"half of")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_while_writing_changes_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file"
    write_text(path, "old")
    with pytest.raises(error):
        write_half(path, error)
    assert path.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["file"]


def test_text_is_utf_8_and_line_ends_are_kept(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "é 😀\n")
    assert (tmp_path / "text").read_bytes() == "é 😀\n".encode()


def test_json_is_readable_and_comes_back(tmp_path: Path) -> None:
    value = {"müde": [1, 2.5, None], "b": "😀"}
    write_json(tmp_path / "x.json", value)
    content = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert json.loads(content) == value
    assert "😀" in content
    assert content.endswith("}\n")


def test_a_value_that_is_no_json_leaves_the_file_alone(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "x.json", {"a": object()})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"a": 1}


def test_a_file_in_the_way_of_a_folder_is_said_in_one_line(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "")
    with pytest.raises(UserError, match=r"cannot write .*; free space or choose another folder") as raised:
        write_text(tmp_path / "file" / "below", "x")
    assert "\n" not in str(raised.value)


def test_a_folder_in_the_way_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(UserError, match=r"cannot write .*taken: Is a directory"):
        write_text(tmp_path / "taken", "x")
    assert names(tmp_path) == ["taken"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_is_read_only(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(UserError, match=r"cannot write .*Permission denied"):
            write_text(tmp_path / "file", "x")
    finally:
        tmp_path.chmod(0o755)


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    write_text(tmp_path / "file", "old")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*No space left on device"):
        write_text(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["file"]


WRITER = """
import sys
from pathlib import Path
from sentipair.files import write_text
for number in range(10**9):
    write_text(Path(sys.argv[1]), f"{number % 10}" * 300_000)
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for round_ in range(4):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=Path(__file__).parents[1])
        deadline = time.monotonic() + 20
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.037 * (round_ + 1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        content = path.read_text(encoding="utf-8")
        assert content == content[0] * 300_000
        path.unlink()


def test_a_hash_knows_where_parts_end() -> None:
    assert sha256("ab", "c") != sha256("a", "bc")
    assert sha256("ab") != sha256("ab", "")
    assert sha256("é") == sha256("é".encode())
    assert sha256() == hashlib.sha256().hexdigest()
    assert sha256("ab") == hashlib.sha256((2).to_bytes(8, "little") + b"ab").hexdigest()


HOLD = """
import sys, time
from pathlib import Path
from sentipair.files import alone_in
with alone_in(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nobody is kept out there")
def test_one_process_at_a_time_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(UserError, match=r"another sentipair is at work in .*run; wait for it"),
            alone_in(folder),
        ):
            pass
        with alone_in(tmp_path / "other" / "run"):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()  # type: ignore[union-attr]
    with alone_in(folder):  # the dead let go
        (folder / "made").touch()
    assert names(folder) == ["made"]
    assert names(tmp_path) == ["run"]  # nothing was written in the other
