"""The README's example runs as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from .pages import ROOT, blocks, lines, run

README = ROOT / "README.md"


@pytest.mark.slow
def test_the_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks(README, "python")
    run(example, {})
    assert "test accuracy" in capsys.readouterr().out
    assert Path("runs/demo/report.html").is_file()


def test_the_first_two_commands_are_those_that_set_everything_up() -> None:
    first, *_ = blocks(README, "sh")
    assert [line.split("#")[0].strip() for line in lines(first)] == ["make demo", "make test"]
