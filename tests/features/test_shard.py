"""Shard files: what is written is read, by others too; any damage is found."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from sentipair.features.shard import DamagedShardError, Shard, write_shard


def keys(count: int) -> list[str]:
    return [sha256(str(i).encode()).hexdigest() for i in range(count)]


def records(lengths: list[int], tail: tuple[int, ...] = (2, 3)) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.normal(size=(n, *tail)).astype(np.float16) for n in lengths]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "one.safetensors"
    with file.open("wb") as stream:
        write_shard(stream, keys(4), records([3, 0, 1, 2]), {"kind": "text", "last": 2})
    return file


def test_what_is_written_is_read(path: Path) -> None:
    shard = Shard(path)
    assert shard.keys == keys(4)
    for row, expected in enumerate(records([3, 0, 1, 2])):
        assert shard.length(row) == len(expected)
        np.testing.assert_array_equal(shard.record(row), expected)
    shard.release()
    np.testing.assert_array_equal(shard.record(0), records([3])[0])
    with pytest.raises(ValueError, match="read-only"):
        shard.record(0)[:] = 0


def test_it_is_an_ordinary_safetensors_file(path: Path) -> None:
    with safe_open(path, framework="np") as file:
        assert json.loads(file.metadata()["made by"]) == {"kind": "text", "last": 2}
        assert file.get_tensor("offsets").tolist() == [0, 3, 3, 4, 6]
        np.testing.assert_array_equal(file.get_tensor("values"), np.concatenate(records([3, 0, 1, 2])))


def test_only_empty_records(tmp_path: Path) -> None:
    file = tmp_path / "empty.safetensors"
    with file.open("wb") as stream:
        write_shard(stream, keys(2), records([0, 0]), {})
    assert [Shard(file).length(row) for row in range(2)] == [0, 0]
    assert len(Shard(file).record(1)) == 0


def test_every_cut_is_found(path: Path) -> None:
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(DamagedShardError):
            Shard(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(DamagedShardError):
        Shard(path)


def test_every_flipped_bit_is_found(path: Path) -> None:
    whole = path.read_bytes()
    for bit in range(len(whole) * 8):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(DamagedShardError):
            Shard(path)
