"""What is printed for people and for programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentipair.cli.show import print_json, print_paths, print_prediction, print_scores, print_summary
from sentipair.inference import Prediction


def test_a_class_name_is_not_taken_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    probabilities = {"[bold]": 0.75, "a much longer name": 0.25}
    print_prediction(Prediction(label="[bold]", probabilities=probabilities, confidence=0.75))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[bold], confidence 75%"
    assert lines[1].split() == ["[bold]", "75.0%", "█" * 22]
    assert lines[1].index("75.0%") == lines[2].index("25.0%")


def test_what_took_no_part_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_prediction(
        Prediction(
            label="a", probabilities={"a": 1.0}, confidence=1.0, unusable="truncated", truncated="200 tokens"
        )
    )
    out = capsys.readouterr().out
    assert "the picture took no part: truncated" in out
    assert "the text was cut: 200 tokens" in out


def test_json_keeps_letters_and_takes_dataclasses(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(Prediction(label="größer", probabilities={"größer": 1.0}, confidence=1.0))
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


def test_clean_rows_and_controls_are_printed_beside(capsys: pytest.CaptureFixture[str]) -> None:
    score = {"mean": 0.5, "sd": None, "values": [0.5], "interval": (0.25, 0.75)}
    scores = dict.fromkeys(("accuracy", "weighted_f1", "macro_f1"), score)
    clean = {name: {**score, "mean": 0.4321} for name in scores}
    floors = dict.fromkeys(scores, 0.111)
    print_summary(
        {
            "model": "m",
            "fidelity": "sound",
            "data": "d",
            "seeds": [0],
            "test": scores,
            "test_clean": clean,
            "rows": {"test": 450, "test_clean": 417},
            "majority": floors,
            "majority_clean": dict.fromkeys(scores, 0.222),
            "controls": {"majority": floors, "blanks": dict.fromkeys(scores, 0.987)},
            "flips": 0,
        }
    )
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if "test clean │ accuracy" in line]
    assert len(lines) == 1
    assert "0.432" in lines[0]
    assert "0.222" in lines[0]
    assert "the 417 posts" in out
    assert "│ blanks" in out
    assert "0.987" in out


def test_scores_of_a_split_are_printed_in_all_and_clean(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("accuracy", "weighted_f1", "macro_f1")
    part = {
        "metrics": dict.fromkeys((*names, *(f"majority_{name}" for name in names)), 0.5),
        "intervals": dict.fromkeys(names, (0.4, 0.6)),
    }
    whole = {
        **part,
        "clean": None,
        "flips": {"shuffled": 0.0421},
        "conditions": {"shuffled": {"accuracy": 0.333, "weighted_f1": 0.222}},
        "looks": 3,
    }
    print_scores(whole, title="a run")
    out = capsys.readouterr().out
    assert "clean" not in out
    assert "4.21%   accuracy 0.333, weighted F1 0.222" in out
    assert "looks at the test set so far: 3" in out
    print_scores({**whole, "clean": part, "looks": None}, title="a run")
    out = capsys.readouterr().out
    assert out.count("│ clean │") == 3
    assert "looks" not in out


def test_paths_are_never_broken_in_two(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("/" + "long/" * 60)
    print_paths(report=path)
    assert str(path) in capsys.readouterr().out
