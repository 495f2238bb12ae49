"""Extraction that is killed, done twice at once or refused by the disk: real processes, real signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
PAIRS = 8 * 240 - 3


def start(*command: object, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def output(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def content(root: Path) -> dict[str, bytes]:
    """Every file of a store but its locks."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("undisturbed")
    encoded = output(start(REPOSITORY / "tests/features/workers/numbered.py", root))
    assert int(encoded) == PAIRS
    return root


def test_killed_at_25_random_moments(workers: Path, undisturbed: Path, tmp_path: Path) -> None:
    """The worker looks at every finished record after every kill."""
    found = json.loads(output(start(workers / "kill.py", tmp_path, 25)))
    assert found["killed"] >= 20
    assert found["finished"] == sorted(found["finished"])
    assert 0 < found["finished"][-1] < PAIRS  # the kills fell into the work
    assert found["encoded"] == PAIRS - found["finished"][-1]
    assert content(tmp_path) == content(undisturbed)


def test_two_at_once_share_the_work_and_agree(workers: Path, undisturbed: Path, tmp_path: Path) -> None:
    both = [start(workers / "numbered.py", tmp_path) for _ in range(2)]
    encoded = [int(output(process)) for process in both]
    assert sum(encoded) == PAIRS
    assert content(tmp_path) == content(undisturbed)


def test_one_of_two_is_killed_and_the_other_does_its_work(
    workers: Path, undisturbed: Path, tmp_path: Path
) -> None:
    victim, survivor = (start(workers / "numbered.py", tmp_path) for _ in range(2))
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("*/*.safetensors"))) < 10:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    victim.kill()
    victim.communicate()
    output(survivor)
    assert content(tmp_path) == content(undisturbed)


@pytest.mark.slow
def test_the_real_encoders_killed_and_resumed(workers: Path, tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = start(workers / "real.py", killed)
    while len(list(killed.glob("image*/*.safetensors"))) < 3 and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    kept = {name: data for name, data in content(killed).items() if not name.endswith(".tmp")}
    output(start(workers / "real.py", killed, whole))
    assert content(killed) == content(whole)
    assert 3 <= len(kept) < len(content(whole))
    assert kept.items() <= content(whole).items()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MB, where this process may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system needs root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def refused(workers: Path, root: Path, **options: Any) -> str:
    process = start(workers / "numbered.py", root, **options)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = err.strip().splitlines()
    return line


def test_a_full_disk_is_one_line_and_keeps_what_fitted(workers: Path, small_disk: Path) -> None:
    line = refused(workers, small_disk / "store")
    assert line.startswith("Error: cannot write")
    assert "No space left on device; free space or choose another folder" in line
    kept = content(small_disk)
    assert len(kept) > 2
    assert not [name for name in kept if name.endswith(".tmp")]


def test_a_file_size_limit_is_one_line(workers: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="this system has no limits of that kind")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    line = refused(workers, tmp_path / "store", preexec_fn=limit)
    assert "File too large; free space or choose another folder" in line
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_folder_below_a_file_is_one_line(workers: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    line = refused(workers, tmp_path / "file" / "store")
    assert "cannot write features to" in line
    assert "Not a directory; choose another feature folder" in line


def test_a_read_only_folder_is_one_line_if_cold_and_works_if_warm(workers: Path, small_disk: Path) -> None:
    read_only = ["mount", "-o", "remount,ro,size=40m", str(small_disk)]
    subprocess.run(["mount", "-o", "remount,size=40m", str(small_disk)], check=True)
    output(start(workers / "numbered.py", small_disk / "warm"))
    subprocess.run(read_only, check=True)
    assert int(output(start(workers / "numbered.py", small_disk / "warm"))) == 0
    assert "Read-only file system; choose another feature folder" in refused(workers, small_disk / "cold")
