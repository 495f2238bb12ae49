"""``sentipair rationales`` from the command line, without a server; with one, see tests/rationales/test_asking.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

CLASSES = ("positive", "neutral", "negative")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "posts.csv"
    rows = [f"{i},{text},{label},{split}\n" for i, (text, label, split) in enumerate([
        ("I love it", "positive", "train"), ("a table", "neutral", "train"), ("I hate it", "negative", "test"),
        ("so so happy", "neutral", "test"),
    ])]  # fmt: skip
    path.write_text("id,text,label,split\n" + "".join(rows), encoding="utf-8")
    return path


def test_the_lexicon_writes_a_table_and_scores_its_verdicts(
    sentipair: Callable[..., Any], table: Path, tmp_path: Path
) -> None:
    words = ("rationales", table, "--verdicts", "--output", tmp_path / "out")
    found = sentipair(*words, "--json").json
    assert found["answers"] == {name: {"usable": 4} for name in (*CLASSES, "verdict")}
    assert found["verdicts"]["train"]["metrics"]["accuracy"] == 1
    assert found["verdicts"]["test"]["metrics"]["accuracy"] == 0.5
    rows = pq.read_table(found["table"]).to_pylist()
    assert [row["verdict"] for row in rows] == ["positive", "neutral", "negative", "positive"]
    assert rows[0]["positive"].startswith(
        "The post can be read as positive. The text is strongly positive in love."
    )
    shown = sentipair(*words).out
    assert "Verdicts against labels" in shown
    assert "2 of 2" in shown
    assert re.search(r"posts-[0-9a-f]{8}-lexicon\.parquet", "".join(shown.split()))


def test_the_lexicon_takes_all_posts(sentipair: Callable[..., Any], table: Path) -> None:
    assert "--limit is for --provider openai" in sentipair("rationales", table, "--limit", 2).err


def test_other_classes_are_told_what_the_lexicon_does(sentipair: Callable[..., Any], tmp_path: Path) -> None:
    table = tmp_path / "posts.csv"
    table.write_text("text,label\n" + "a joke,sarcastic\na fact,not sarcastic\n" * 5, encoding="utf-8")
    result = sentipair("rationales", table, "--verdicts", "--output", tmp_path / "out", "--json")
    assert "the lexicon knows sentiments only, not not sarcastic, sarcastic" in result.err
    assert result.json["answers"] == {name: {"usable": 10} for name in CLASSES}
    assert result.json["verdicts"] == {}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "needs --base-url, such as http://localhost:8000/v1, and --model"),
        (("--base-url", "localhost:8000", "--model", "m"), "is no address of a server; write it like http"),
        (
            ("--base-url", "http://a.example", "--model", "m"),
            "add --yes to send the posts to a remote server",
        ),
        (
            ("--base-url", "http://127.0.0.1:9", "--model", "m", "--price-per-million", "1/2"),
            "add --yes to send the posts to a remote server",
        ),
        (("--base-url", "http://127.0.0.1:9", "--model", "m", "--price-per-million", "1"), "INPUT/OUTPUT"),
        (("--base-url", "http://127.0.0.1:9", "--model", "m"), "nobody answers at http://127.0.0.1:9"),
    ],
)
def test_what_a_server_needs_is_one_line(
    sentipair: Callable[..., Any], table: Path, tmp_path: Path, words: tuple[str, ...], expected: str
) -> None:
    result = sentipair("rationales", table, "--provider", "openai", "--output", tmp_path / "out", *words)
    assert result.code == 1
    assert expected in result.err.splitlines()[-1]
    assert not list(tmp_path.rglob("*.parquet"))


def test_the_help_shows_examples(sentipair: Callable[..., Any]) -> None:
    assert sentipair("rationales", "--help").out.count("Example: sentipair rationales") == 2
