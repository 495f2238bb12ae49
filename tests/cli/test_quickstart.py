"""``sentipair quickstart``: the whole way, at a tenth of its size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sentipair.cli import quickstart


@pytest.mark.slow
def test_the_whole_way_twice(
    sentipair: Any, feature_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quickstart, "SAMPLES", 60)
    monkeypatch.setenv("SENTIPAIR_FEATURES", str(feature_folder))
    (tmp_path / "demo" / "posts" / "of an earlier version").mkdir(parents=True)
    first = sentipair("quickstart", "--output", tmp_path / "demo", "--fresh")
    assert first.code == 0, first.err
    assert not (tmp_path / "demo" / "posts" / "of an earlier version").exists()
    assert first.out.count("; it is ") == 3
    assert "text alone 0.75, picture alone 0.75, both 1.00" in first.out
    weights = tmp_path / "demo" / "runs" / "spp-scl" / "seed-0" / "model.safetensors"
    changed = weights.stat().st_mtime_ns
    for place in ("posts", "runs/spp-scl", "runs/spp-scl/report.html"):
        assert str(tmp_path / "demo" / place) in first.out
        assert (tmp_path / "demo" / place).exists()

    second = sentipair("quickstart", "--output", tmp_path / "demo")
    assert second.code == 0
    assert "drawing" not in second.out
    assert weights.stat().st_mtime_ns == changed
