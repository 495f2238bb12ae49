"""Tensors written one after the other: the bytes of the safetensors library, and what it reads back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from sentipair.errors import UserError
from sentipair.tensors import KINDS, write_tensors

TENSORS = {
    "b/weight": torch.randn(5, 3).T,  # not contiguous
    "b/half": torch.randn(3).half(),
    "a/steps": torch.tensor(3),
    "c/brain": torch.randn(2, 2).bfloat16(),
    "c/mask": torch.tensor([True, False, True]),
    "empty": torch.zeros(0, 4),
    "é": torch.arange(5, dtype=torch.uint8),
}


def test_the_bytes_are_those_of_the_library(tmp_path: Path) -> None:
    path = tmp_path / "new" / "tensors.safetensors"
    write_tensors(path, TENSORS)
    assert path.read_bytes() == save({name: value.contiguous() for name, value in TENSORS.items()})


@pytest.mark.parametrize("dtype", KINDS, ids=str)
def test_the_library_reads_every_kind(tmp_path: Path, dtype: torch.dtype) -> None:
    values = torch.tensor([[0, 1, 2], [3, 4, 5]]).to(dtype)
    write_tensors(tmp_path / "a", {"values": values, "one": values[0, 1]})
    found = load_file(tmp_path / "a")
    assert found["values"].dtype == dtype
    assert torch.equal(found["values"], values)
    assert torch.equal(found["one"], values[0, 1])


def test_metadata(tmp_path: Path) -> None:
    metadata = {"z": json.dumps({"é": 1}), "a": ""}
    write_tensors(tmp_path / "a", TENSORS, metadata)
    write_tensors(tmp_path / "b", dict(reversed(TENSORS.items())), dict(reversed(metadata.items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with safe_open(tmp_path / "a", framework="pt") as file:
        assert file.metadata() == metadata
        assert all(torch.equal(file.get_tensor(name), value) for name, value in TENSORS.items())


def test_what_was_there_stays_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    write_tensors(tmp_path / "a", TENSORS)
    before = (tmp_path / "a").read_bytes()
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        write_tensors(tmp_path / "a", {})
    assert (tmp_path / "a").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
