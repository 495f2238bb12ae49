"""``sentipair quickstart`` as it is, and what its numbers must be: the best accuracies on its posts are known."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sentipair.cli.quickstart import DISAGREEMENT, claim
from sentipair.data.samples import ceilings

NOISE = 0.08
"""Two standard deviations of an accuracy of .75 on 120 test posts."""

pytestmark = pytest.mark.slow


def quickstart(folder: Path, *words: str) -> str:
    program = "from sentipair.cli import main; main()"
    command = [sys.executable, "-c", program, "quickstart", "--output", str(folder), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a quickstart, and what it printed."""
    folder = tmp_path_factory.mktemp("quickstart") / "demo"
    claim(folder)
    (folder / "posts" / "of an earlier version").mkdir(parents=True)
    (folder / "runs" / "of mine").mkdir(parents=True)
    return folder, quickstart(folder, "--fresh")


def test_it_says_where_everything_is(demo: tuple[Path, str]) -> None:
    folder, output = demo
    for place in ("posts", "runs/spp-scl", "runs/spp-scl/report.html"):
        assert str(folder / place) in output
        assert (folder / place).exists()
    assert output.count("; it is ") == 3
    assert "text alone 0.75, picture alone 0.75, both 1.00" in output
    assert not (folder / "posts" / "of an earlier version").exists()
    assert (folder / "runs" / "of mine").exists()


@pytest.mark.parametrize("words", [(), ("--fresh",)])
def test_a_folder_of_other_things_is_left_alone(
    words: tuple[str, ...], tmp_path: Path, sentipair: Any
) -> None:
    for name in ("posts/photo.jpg", "runs/spp-scl/model.safetensors"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"mine")
    result = sentipair("quickstart", "--output", tmp_path, *words)
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "holds other files; empty it, or choose another --output" in result.err
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "model.safetensors",
        "photo.jpg",
    ]


def test_a_second_call_trains_nothing(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    weights = folder / "runs" / "spp-scl" / "seed-0" / "model.safetensors"
    written = weights.stat().st_mtime_ns
    assert "drawing" not in quickstart(folder)
    assert weights.stat().st_mtime_ns == written


def test_fusion_passes_what_either_modality_alone_can_reach(demo: tuple[Path, str], sentipair: Any) -> None:
    folder, _ = demo
    best = ceilings("sentiment", DISAGREEMENT)
    both = json.loads((folder / "runs" / "spp-scl" / "summary.json").read_text(encoding="utf-8"))
    assert both["test"]["accuracy"]["mean"] > max(best["text"], best["image"]) + NOISE
    runs = folder / "runs"
    text = sentipair(
        *("train", "spp-scl", "--data", folder / "posts", "--set", "model.modalities=text", "--json"),
        *("--output", runs / "text", "--features", runs / "features"),
    ).json
    assert text["test"]["accuracy"]["mean"] < best["text"] + NOISE
