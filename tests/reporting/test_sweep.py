"""The page and the table of a sweep, also where trials failed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sentipair.reporting.sweep import best_table, history_figure, setting_figure, write_sweep_page

SPACE = {"model.dropout": [0.0, 0.7, False], "training.weight_decay": [1e-6, 1e-1, True]}


def summary(*scores: float | None, importances: dict[str, float] | None = None) -> dict[str, Any]:
    known = [score for score in scores if score is not None]
    return {
        "identity": {"seeds": [0, 1], "search space": SPACE},
        "model": "spp-scl",
        "data": "some/<posts>.csv",
        "trials": [
            {"settings": {"model.dropout": n / 10, "training.weight_decay": 10.0 ** -(n + 1)}, "score": score}
            for n, score in enumerate(scores)
        ],
        "best": scores.index(max(known)) if known else None,
        "majority": 0.4,
        "importances": importances or {},
    }


def test_the_best_trials_come_first_and_failed_ones_never() -> None:
    table = best_table(summary(0.5, None, 0.7, 0.6, 0.7, 0.1, 0.2))
    assert table.columns == ["trial", "2", "4", "3", "0", "6"]
    assert table.rows[0] == ["accuracy", "0.700", "0.700", "0.600", "0.500", "0.200"]
    assert table.rows[1][:2] == ["model.dropout", "0.2"]
    assert table.rows[2][:2] == ["training.weight_decay", "0.001"]


def test_importances_stand_beside_the_settings() -> None:
    shares = {"training.weight_decay": 0.8, "model.dropout": 0.2}
    table = best_table(summary(0.5, 0.6, importances=shares))
    assert table.columns == ["trial", "matters", "1", "0"]
    assert [row[1] for row in table.rows] == ["", "20%", "80%"]


def test_the_line_is_the_best_so_far_and_a_failure_is_a_cross() -> None:
    axes = history_figure([0.5, None, 0.4, 0.7], floor=0.45).axes[0]
    best, dots, floor, crosses = axes.lines
    assert best.get_xydata().tolist() == [[0, 0.5], [2, 0.5], [3, 0.7]]
    assert dots.get_ydata().tolist() == [0.5, 0.4, 0.7]
    assert set(floor.get_ydata()) == {0.45}
    assert crosses.get_xydata().tolist() == [[1, 0.4]]


@pytest.mark.parametrize("logarithmic", [False, True])
def test_the_best_value_of_a_setting_is_marked(logarithmic: bool) -> None:
    axes = setting_figure([1e-5, 1e-3, 1e-1], [0.5, 0.8, 0.6], logarithmic=logarithmic).axes[0]
    assert axes.get_xscale() == ("log" if logarithmic else "linear")
    assert axes.lines[1].get_xydata().tolist() == [[1e-3, 0.8]]


@pytest.mark.parametrize("scores", [(0.5,), (0.5, 0.5, None), (None,)])
def test_the_page(tmp_path: Path, scores: tuple[float | None, ...]) -> None:
    page = write_sweep_page(tmp_path / "sweep.html", summary(*scores)).read_text(encoding="utf-8")
    assert "Sweep of spp-scl on &lt;posts&gt;.csv" in page
    scored = sum(score is not None for score in scores)
    assert f"{len(scores)}, {scored} with a score" in page
    assert page.count("<figure") == (3 if scored else 0)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len({*ids})
