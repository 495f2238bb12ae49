"""``sentipair export``: what it hands on, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sentipair.export


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Path, str]]:
    """What was to be exported."""
    requests: list[tuple[Any, Path, str]] = []

    def export_model(source: Any, output: Path, *, to: str) -> float:
        requests.append((source, output, to))
        return 1.234e-6

    monkeypatch.setattr(sentipair.export, "export_model", export_model)
    return requests


def test_a_run_is_exported(
    sentipair: Any, asked: list[tuple[Any, Path, str]], finished_run: Path, tmp_path: Path
) -> None:
    result = sentipair("export", finished_run, "--to", "openvino", "--output", tmp_path)
    assert result.code == 0, result.err
    assert asked == [(str(finished_run), tmp_path, "openvino")]
    first, second, third = result.out.splitlines()
    assert first == f"model     {tmp_path}"
    assert second == "largest difference from PyTorch in a probability: 1.2e-06"
    assert third.endswith(f'python -m sentipair.portable {tmp_path} photo.jpg "what a day"')


def test_without_a_run_the_shipped_model_goes_to_onnx(
    sentipair: Any, asked: list[tuple[Any, Path, str]]
) -> None:
    assert sentipair("export").code == 0
    assert asked == [(None, Path("exported"), "onnx")]


def test_another_format_is_wrong_usage(sentipair: Any, asked: list[tuple[Any, Path, str]]) -> None:
    assert sentipair("export", "--to", "tensorrt").code == 2
    assert asked == []


def test_what_is_not_there_is_one_line(sentipair: Any, tmp_path: Path) -> None:
    result = sentipair("export", tmp_path / "absent", "--output", tmp_path / "out")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("sentipair: there is no trained model in ")
    assert not (tmp_path / "out").exists()
