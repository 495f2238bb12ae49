"""``sentipair predict``: single posts and tables, for people and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def predict(sentipair: Any, finished_run: Path) -> Any:
    def run(*words: object) -> Any:
        return sentipair("predict", finished_run, *words, "--engine", "torch")

    return run


def test_a_post(predict: Any, sample_posts: Path) -> None:
    picture = sample_posts / "images" / "00000.jpg"
    result = predict(picture, "what a day", "--json")
    assert result.code == 0, result.err
    prediction = result.json
    assert set(prediction) == {"label", "probabilities", "unusable", "truncated"}
    assert prediction["label"] == max(prediction["probabilities"], key=prediction["probabilities"].get)
    shown = predict(picture, "what a day").out.splitlines()
    assert shown[0] == prediction["label"]
    assert len(shown) == 4


def test_text_alone_and_picture_alone(predict: Any, sample_posts: Path) -> None:
    assert predict("", "what a day").code == 0
    assert predict(sample_posts / "images" / "00000.jpg").code == 0


def test_what_is_missing_is_one_line(predict: Any, tmp_path: Path) -> None:
    for words, expected in (
        (("absent.jpg", "x"), "there is no picture at absent.jpg"),
        (("", " "), "a picture, a text, or both"),
    ):
        result = predict(*words)
        assert (result.code, result.out) == (1, "")
        assert expected in result.err
        assert result.err.count("\n") == 1


def test_an_unreadable_picture_is_noted(predict: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    result = predict(tmp_path / "broken.jpg", "what a day")
    assert result.code == 0
    assert "the picture took no part: not a picture" in result.out


def test_a_table(predict: Any, tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("text,image\ngood,\n,\nbad,absent.jpg\n", encoding="utf-8")
    words = ["--input", tmp_path / "posts.csv", "--output", tmp_path / "scored.parquet"]
    result = predict(*words)
    assert result.code == 0, result.err
    assert "1 rows left out, 1 scored by their text alone" in result.out
    assert str(tmp_path / "scored.errors.csv") in result.out
    report = predict(*words, "--json").json
    assert sum(report["counts"].values()) == 2
    assert report["left_out"] == {"2": "neither a text nor a picture"}


def test_a_table_and_a_post_at_once_are_refused(predict: Any, tmp_path: Path) -> None:
    result = predict("photo.jpg", "--input", "posts.csv", "--output", "scored.csv")
    assert result.code == 1
    assert "no single post" in result.err
