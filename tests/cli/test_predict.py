"""``sentipair predict``: single posts and tables, for people and as JSON."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sentipair.cli.predict import read_words
from sentipair.errors import UserError


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
    assert prediction["label"] == max(prediction["probabilities"], key=prediction["probabilities"].get)
    shown = predict(picture, "what a day").out.splitlines()
    assert shown[0] == f"{prediction['label']}, confidence {prediction['confidence']:.0%}"
    assert shown[4].startswith(f"the text alone: {prediction['text']['label']} (")
    assert shown[5].startswith(f"the picture alone: {prediction['image']['label']} (")
    assert len(shown) == 6 + prediction["conflict"]


def test_without_a_model_the_shipped_one_answers(sentipair: Any, sample_posts: Path) -> None:
    picture = sample_posts / "images" / "00000.jpg"
    result = sentipair("predict", picture, "what a sad, terrible, angry day", "--json")
    assert result.code == 0, result.err
    assert result.json["label"] == "negative"
    assert (
        result.json
        == sentipair("predict", "mvsa-single", picture, "what a sad, terrible, angry day", "--json").json
    )


def test_below_the_threshold_there_is_no_answer(predict: Any) -> None:
    result = predict("", "what a day", "--threshold", "1")
    assert result.out.startswith("no answer: the model is not confident enough (")


def test_what_the_words_mean(tmp_path: Path) -> None:
    folder = str(tmp_path)
    for words, model, expected in (
        ([], None, (None, "", "")),
        (["a.jpg"], None, (None, "a.jpg", "")),
        (["a.jpg", "x"], None, (None, "a.jpg", "x")),
        (["", "x"], None, (None, "", "x")),
        ([folder], None, (folder, "", "")),
        ([folder, "a.jpg"], None, (folder, "a.jpg", "")),
        ([folder, "", "x"], None, (folder, "", "x")),
        (["me/model", "a.jpg", "x"], None, ("me/model", "a.jpg", "x")),
        (["a.jpg", "x"], "me/model", ("me/model", "a.jpg", "x")),
    ):
        assert read_words(words, model) == expected
    for words, model in ((["m", "a.jpg", "x", "y"], None), (["a.jpg", "x", "y"], "m")):
        with pytest.raises(UserError, match="at most a picture and a text"):
            read_words(words, model)


def test_text_alone_and_picture_alone(predict: Any, sample_posts: Path) -> None:
    assert predict("", "what a day").code == 0
    assert predict(sample_posts / "images" / "00000.jpg").code == 0


def test_what_is_missing_is_one_line(predict: Any, tmp_path: Path) -> None:
    for words, expected in (
        (("absent.jpg", "x"), "there is no picture at absent.jpg"),
        (("", " "), "give a picture and a text"),
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
    assert str(tmp_path / "scored.parquet.errors.csv") in result.out
    report = predict(*words, "--json").json
    assert sum(report["counts"].values()) == 2
    assert (report["rows"], report["left_out"], report["without_picture"]) == (3, 1, 1)
    surest = report["examples"][max(report["counts"], key=report["counts"].get)][0]
    assert surest["row"] in (1, 3)


def test_the_surest_rows_are_shown_and_a_page_is_written(predict: Any, tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").write_text('{"text": "good", "at": "2024-05-01"}\n', encoding="utf-8")
    words = ["--input", tmp_path / "posts.jsonl", "--output", tmp_path / "scored.jsonl"]
    result = predict(*words, "--report", tmp_path / "scored.html", "--date", "at")
    assert result.code == 0, result.err
    assert "row 1 (" in result.out
    assert "): good" in result.out
    assert str(tmp_path / "scored.html") in result.out
    assert "Over at" in (tmp_path / "scored.html").read_text(encoding="utf-8")
    result = predict(*words, "--group", "at")
    assert (result.code, result.out) == (1, "")
    assert "name it too: --report scored.html" in result.err


def test_standard_input_is_a_table(predict: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"text\ngood\nbad\n")))
    result = predict("--input", "-", "--output", tmp_path / "scored.csv", "--json")
    assert result.code == 0, result.err
    assert result.json["rows"] == 2


def test_a_table_and_a_post_at_once_are_refused(predict: Any, tmp_path: Path) -> None:
    result = predict("photo.jpg", "--input", "posts.csv", "--output", "scored.csv")
    assert result.code == 1
    assert "no single post" in result.err


def test_a_cluster_scores_tables_and_says_what_it_needs(
    sentipair: Any, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = sentipair("predict", finished_run, "", "what a day", "--engine", "ray")
    assert result.code == 1
    assert "a Ray cluster scores tables: --input posts.csv --output scored.parquet" in result.err

    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "posts.csv").write_text("text\na\n", encoding="utf-8")
    words = ["--input", tmp_path / "posts.csv", "--output", tmp_path / "scored.csv", "--engine", "ray"]
    result = sentipair("predict", finished_run, *words)
    assert result.code == 1
    assert 'pip install "sentipair[ray]"' in result.err
