"""FeatureStore: damage is found and made good, leftovers are swept, memory in use does not grow."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from sentipair.data import Pair
from sentipair.errors import UserError
from sentipair.features import FeatureStore
from sentipair.features.store import FeatureStream
from sentipair.features.table import SHARD_ITEMS, extract

PAIRS = [Pair(id=str(i), text=f"text {i}") for i in range(2 * SHARD_ITEMS + 10)]


class Lengths:
    """[len(text), 2] ones."""

    kind: Literal["text", "image"] = "text"
    reads = "text"
    dims: dict[str, int]

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def describe(self) -> dict[str, object]:
        return {"kind": "text", "model": "lengths"}

    def key(self, pair: Pair) -> str:
        return sha256(pair.text.encode()).hexdigest()

    def encode(self, pairs: Sequence[Pair]) -> list[np.ndarray]:
        self.encoded += [pair.id for pair in pairs]
        return [np.ones((len(pair.text), 2), np.float16) for pair in pairs]

    def remark(self, pair: Pair, length: int) -> None:
        return None


def opened(root: Path) -> FeatureStream:
    return FeatureStore(root).stream(Lengths().describe())


def fill(root: Path, pairs: Sequence[Pair] = PAIRS) -> Lengths:
    source = Lengths()
    extract(source, opened(root), {source.key(pair): pair for pair in pairs})
    return source


def shards(root: Path) -> list[Path]:
    return sorted(root.glob("*/*.safetensors"))


def content(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in shards(root)}


def test_everything_is_encoded_once_and_read_back(tmp_path: Path) -> None:
    assert len(fill(tmp_path).encoded) == len(PAIRS)
    assert fill(tmp_path).encoded == []
    stream = opened(tmp_path)
    assert len(stream) == len(PAIRS)
    for pair in PAIRS:
        record = stream.read(Lengths().key(pair))
        assert record.shape == (stream.length(Lengths().key(pair)), 2) == (len(pair.text), 2)
    assert "0" * 64 not in stream


def test_new_pairs_are_added_to_old_ones(tmp_path: Path) -> None:
    fill(tmp_path, PAIRS[:100])
    before = content(tmp_path)
    assert sorted(fill(tmp_path).encoded) == sorted(pair.id for pair in PAIRS[100:])
    assert before.items() < content(tmp_path).items()


def test_other_encoders_have_other_streams(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    one, two = ({"kind": "text", "model": "x", "last": last} for last in (1, 2))
    assert store.stream(one) is store.stream(dict(reversed(one.items())))
    assert store.stream(one).folder != store.stream(two).folder


@pytest.mark.parametrize("damage", ["cut", "emptied", "flipped", "replaced"])
def test_a_damaged_shard_is_set_aside_and_made_anew(
    tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path)
    whole = content(tmp_path)
    victim = shards(tmp_path)[1]
    size = victim.stat().st_size
    if damage in ("cut", "emptied"):
        os.truncate(victim, size - 1 if damage == "cut" else 0)
    elif damage == "flipped":
        with victim.open("r+b") as file:
            file.seek(size // 2)
            file.write(bytes([whole[victim.name][size // 2] ^ 16]))
    else:
        victim.write_text("something else")
    damaged = victim.read_bytes()
    source = fill(tmp_path)
    assert len(source.encoded) in (SHARD_ITEMS, 10)
    assert content(tmp_path) == whole
    assert victim.with_suffix(".damaged").read_bytes() == damaged
    said = " ".join(capsys.readouterr().err.split())
    assert f"feature shard {victim.name} is damaged" in said.replace("safeten sors", "safetensors")


def test_a_damaged_shard_that_cannot_be_set_aside_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    os.truncate(shards(tmp_path)[0], 100)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(UserError, match="is damaged and its folder is read-only"):
        opened(tmp_path)


def test_a_good_shard_that_cannot_be_opened_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    before = content(tmp_path)

    def exhausted(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("sentipair.features.shard.mmap.mmap", exhausted)
    with pytest.raises(UserError, match=r"cannot read feature shard .*: Too many open files"):
        opened(tmp_path)
    assert content(tmp_path) == before


def test_leftovers_of_killed_processes_are_swept_and_those_of_living_ones_kept(tmp_path: Path) -> None:
    fill(tmp_path, PAIRS[:20])
    folder = shards(tmp_path)[0].parent
    dead, living = (folder / f".{digit * 24}.safetensors.abc.tmp" for digit in "12")
    for file in (dead, living):
        file.write_bytes(b"half")
    script = (
        "import sys; from pathlib import Path; from sentipair.features.store import FeatureStream\n"
        f"stream = FeatureStream(Path({str(folder)!r}), {{}})\n"
        f"with stream.claim(stream.folder / ({'2' * 24!r} + '.safetensors'), wait=True):\n"
        "    print('claimed', flush=True); sys.stdin.read()"
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, **pipes) as process:
        assert process.stdout.readline() == "claimed\n"
        fill(tmp_path)
        assert not dead.exists()
        assert living.exists()
        process.communicate("")
    fill(tmp_path, [*PAIRS, Pair(id="new", text="new")])
    assert not living.exists()


def test_memory_in_use_does_not_grow_with_the_store(workers: Path) -> None:
    """Reading 640 MB needs less than a sixth of that, and gives it back."""
    done = subprocess.run(
        [sys.executable, str(workers / "memory.py")],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["store"] > 600
    assert found["growth"] < 100  # RELEASE_AFTER is 34 MB
    assert found["without giving back"] > 560  # the measure sees mapped pages


def test_a_file_system_without_locks_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("sentipair.features.store.fcntl.lockf", refuse)
    stream = FeatureStore(tmp_path).stream({"kind": "text"})
    with (
        pytest.raises(UserError, match=r"has no locks \(No locks available\); choose another feature folder"),
        stream.claim(stream.shard_path(["ab"]), wait=False),
    ):
        pass
