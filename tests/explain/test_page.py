"""An explanation as a page and as a picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from sentipair.data.pair import Pair, Post
from sentipair.errors import UserError
from sentipair.explain import Explanation
from sentipair.explain.explanation import Influence, Region, Word
from sentipair.explain.page import page, write_explanation
from sentipair.explain.positions import MOST_WORDS
from sentipair.explain.shading import PALE, pieces_of, shades
from sentipair.inference import Opinion, Prediction


def explanation(text: str = "so <b>good</b>, 🎉 $5", **changes) -> Explanation:
    words = tuple(Word(word, 0.1 * (-1) ** i) for i, word in enumerate(text.split()[:MOST_WORDS]))
    regions = (Region((0, 0, 0.5, 1), 0.05), Region((0.5, 0, 1, 1), -0.3))
    opinion = Opinion(label="no", probabilities={"yes": 0.4, "no": 0.6})
    prediction = Prediction(
        label="yes", probabilities={"yes": 0.8, "no": 0.2}, confidence=0.8, text=opinion, image=None
    )
    settings = {
        "prediction": prediction,
        "target": "yes",
        "method": "occlusion",
        "text": text,
        "influence": Influence(words=words, regions=regions),
        "attention": {
            "words": [[0, 2, 0.25]],
            "cells": [[0, 0, 1, 1, 1.0]],
            "weights": {"gate": [0.125, 0.5]},
        },
    }
    return Explanation(**(settings | changes))


@pytest.fixture
def post() -> Post:
    return Post(id="a", text="so good", opened=Image.new("RGB", (60, 40), "white"))


def test_the_page_shows_everything_and_escapes_the_text(post):
    html = page(explanation(), post)
    assert "&lt;b&gt;good&lt;/b&gt;," in html
    assert "<b>good" not in html
    assert "−10.0 points" in html
    assert 'var(--floor) 60%, transparent)" title="−30.0 points"' in html
    assert "text alone" in html
    assert "picture alone" not in html
    assert "What the model attended to" in html
    assert "0.125 0.500" in html
    assert "http" not in html.split("<body>")[1]


def test_a_post_of_nothing_has_a_page_too():
    html = page(explanation("", influence=Influence(), attention={}), Pair(id="a"))
    assert "(no text)" in html
    assert "<img" not in html
    assert "attended" not in html.split("<body>")[1]


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_picture_is_written(post, tmp_path: Path, ending: str):
    path = write_explanation(tmp_path / f"why.{ending}", explanation(), post)
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert path.read_bytes().startswith(start)


def test_a_long_text_makes_a_higher_picture(tmp_path: Path):
    heights = []
    for words in (0, 10, 100, 1000):
        path = write_explanation(tmp_path / "why.png", explanation("word " * words), Pair(id="a"))
        with Image.open(path) as picture:
            heights.append(picture.height)
    assert heights[0] <= heights[1] < heights[2] < heights[3] < 2000


def test_other_endings_are_an_error(post, tmp_path: Path):
    with pytest.raises(UserError, match=r"cannot write why.docx; end it in .html, .png"):
        write_explanation(tmp_path / "why.docx", explanation(), post)


def test_shades_are_relative_to_the_strongest_and_pale_where_nothing_matters():
    assert shades([0.5, -0.25, 0]) == [1, -0.5, 0]
    assert shades([PALE / 2]) == [0.5]
    assert shades([]) == []


def test_the_pieces_are_the_text():
    pieces = pieces_of(explanation(" a  b\n"))
    assert "".join(piece.text for piece in pieces) == " a  b\n"
    assert [piece.shade for piece in pieces] == [None, 1.0, None, -1.0, None]
