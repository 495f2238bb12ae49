"""``sentipair explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def explain(sentipair: Any, finished_run: Path) -> Any:
    def run(*words: object) -> Any:
        return sentipair("explain", finished_run, *words, "--engine", "torch")

    return run


def test_a_post(explain: Any, sample_posts: Path, tmp_path: Path) -> None:
    picture = sample_posts / "images" / "00000.jpg"
    wish = ("--method", "feature-occlusion")
    plain = explain(picture, "what a day", *wish, "--json")
    assert plain.code == 0, plain.err
    assert [word["text"] for word in plain.json["words"]] == ["what", "a", "day"]
    result = explain(picture, "what a day", *wish, "--output", tmp_path / "why.html")
    assert result.code == 0, result.err
    assert f"words for (+) and against (−) {plain.json['label']}" in result.out
    assert "parts of the picture:" in result.out
    assert str(tmp_path / "why.html") in result.out
    assert "what" in (tmp_path / "why.html").read_text(encoding="utf-8")


def test_the_check(explain: Any) -> None:
    result = explain("--check", "3", "--method", "feature-occlusion")
    assert result.code == 0, result.err
    assert [line.split()[:3] for line in result.out.splitlines()[:2]] == [
        ["words", "3", "posts"],
        ["regions", "3", "posts"],
    ]
    found = explain("--check", "3", "--method", "feature-occlusion", "--json").json
    assert found["words"]["posts"] == 3


def test_what_is_missing_is_one_line(explain: Any, tmp_path: Path) -> None:
    for words, expected in (
        (("absent.jpg", "x"), "there is no picture at absent.jpg"),
        (("", " "), "give a picture and a text"),
        (("", "x", "--target", "joy"), "no class 'joy'"),
        (("", "x", "--output", tmp_path / "why.docx"), "cannot write why.docx"),
    ):
        result = explain(*words)
        assert (result.code, result.out) == (1, "")
        assert expected in result.err
        assert result.err.count("\n") == 1
