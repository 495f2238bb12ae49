"""What is printed for people and for programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentipair.cli.show import print_json, print_paths, print_prediction, print_summary
from sentipair.inference import Prediction


def test_a_class_name_is_not_taken_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_prediction(Prediction(label="[bold]", probabilities={"[bold]": 0.75, "a much longer name": 0.25}))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[bold]"
    assert lines[1].split() == ["[bold]", "75.0%", "█" * 22]
    assert lines[1].index("75.0%") == lines[2].index("25.0%")


def test_what_took_no_part_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    prediction = Prediction(label="a", probabilities={"a": 1.0}, unusable="truncated", truncated="200 tokens")
    print_prediction(prediction)
    out = capsys.readouterr().out
    assert "the picture took no part: truncated" in out
    assert "the text was cut: 200 tokens" in out


def test_json_keeps_letters_and_takes_dataclasses(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(Prediction(label="größer", probabilities={"größer": 1.0}))
    assert '"label": "größer"' in capsys.readouterr().out


def test_a_summary_without_a_test_set(capsys: pytest.CaptureFixture[str]) -> None:
    score = {"mean": 0.5, "sd": None, "values": [0.5], "interval": (0.25, 0.75)}
    scores = dict.fromkeys(("accuracy", "weighted_f1", "macro_f1"), score)
    print_summary(
        {"model": "m", "fidelity": "sound", "data": "d", "seeds": [0], "validation": scores, "flips": 0.021}
    )
    out = capsys.readouterr().out
    assert "test" not in out
    assert out.count("0.250 – 0.750") == 3
    assert "up to 2.1%" in out


def test_paths_are_never_broken_in_two(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("/" + "long/" * 60)
    print_paths(report=path)
    assert str(path) in capsys.readouterr().out
