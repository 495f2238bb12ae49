"""New columns and their values, here and on the web page; and what a row is taken for."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from sentipair.data.pair import Pair
from sentipair.errors import UserError
from sentipair.inference import Opinion, Prediction
from sentipair.inference.verdicts import Verdict, known_columns, new_columns, post_of, verdict

SHARES = {"no": 0.1234567, "yes": 0.8765433}


def test_values_stand_under_the_columns_of_their_name() -> None:
    said = Prediction(
        label="yes",
        probabilities=SHARES,
        confidence=0.8765433,
        text=Opinion(label="no", probabilities=SHARES),
        image=Opinion(label="yes", probabilities=SHARES),
        conflict=True,
    )
    found = verdict(Pair(id="1", text="a"), None, said)
    assert dict(zip(new_columns(["no", "yes"]), found.values, strict=True)) == {
        "prediction": "yes",
        "confidence": 0.876543,
        "p(no)": 0.123457,
        "p(yes)": 0.876543,
        "text_alone": "no",
        "image_alone": "yes",
        "conflict": True,
    }


def test_the_web_page_writes_the_same_columns() -> None:
    script = files("sentipair.serving").joinpath("page/results.js").read_text(encoding="utf-8")
    line = re.search(r"return \[(\"prediction\".*)\];", script)
    assert line
    named = re.findall(r'"(\w+)"|(\.\.\.shares)', line[1])
    columns = [name or share for name, share in named]
    place = columns.index("...shares")
    assert (*columns[:place], "p(a)", "p(b)", *columns[place + 1 :]) == (*new_columns(["a", "b"]), "problem")
    assert "`p(${name})`" in script


@pytest.mark.parametrize(
    ("reason", "text", "expected"),
    [
        (None, "a", Verdict([0.5, 0.5], "no")),
        ("damaged", "a", Verdict([0.5, 0.5], "no", problem="picture cannot be used: damaged")),
        ("damaged", " ", Verdict(problem="picture cannot be used: damaged")),
    ],
)
def test_a_picture_that_cannot_be_used(reason: str | None, text: str, expected: Verdict) -> None:
    said = Prediction(label="no", probabilities={"no": 0.5, "yes": 0.5}, confidence=0.5, unusable=reason)
    assert verdict(Pair(id="1", text=text), None, said) == expected


@pytest.mark.parametrize(
    ("row", "found", "problem"),
    [
        ({"text": "a", "image": "here.jpg"}, ("a", True), None),
        ({"text": "a", "image": " here.jpg "}, ("a", True), None),
        ({"text": 7, "image": None}, ("7", False), None),
        ({"text": float("nan"), "image": "here.jpg"}, ("", True), None),
        ({"text": "a", "image": "gone.jpg"}, ("a", False), "there is no picture at"),
        ({"text": "", "image": "gone.jpg"}, None, "there is no picture at"),
        ({"text": " ", "image": " "}, None, "neither a text nor a picture"),
        ({"text": "a", "image": "x" * 9_999}, ("a", False), "there is no picture at"),
        ({"text": "a", "image": "."}, ("a", False), "there is no picture at"),
        (
            {"text": "a", "image": "https://example.com/a.jpg"},
            ("a", False),
            "https://example.com/a.jpg is an address",
        ),
    ],
)
def test_what_a_row_is_taken_for(
    tmp_path: Path, row: dict[str, Any], found: Any, problem: str | None
) -> None:
    (tmp_path / "here.jpg").touch()
    pair, said = post_of(row, names={"text": "text", "image": "image"}, base=tmp_path, number=3)
    assert (pair and (pair.text, pair.image is not None)) == found
    assert (said or "").startswith(problem or "")
    assert (said is None) == (problem is None)


def test_columns_are_found_by_any_case_and_alias() -> None:
    assert known_columns(["Id", " TEXT "], Path("a.csv")) == {"text": " TEXT "}
    assert known_columns(["file_name", "Text"], Path("a.csv")) == {"image": "file_name", "text": "Text"}
    with pytest.raises(UserError, match=r"a\.csv has neither a column image nor text \(it has: words\)"):
        known_columns(["words"], Path("a.csv"))
