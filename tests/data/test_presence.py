"""What a post really has."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentipair.data.pair import Pair
from sentipair.data.presence import only_present, some


def test_places_of_any_kind_and_names_that_no_file_can_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("/nowhere/a.jpg", "b.jpg", "x" * 300, "zero\0byte")
    present, problems = only_present([Pair(id=name, text="a", image=Path(name)) for name in names])
    assert [pair.image for pair in present] == [None] * 4
    assert problems == ("4 of 4 pictures absent, looked for in /",)
    _, problems = only_present([Pair(id="b", text="a", image=Path("b.jpg"))])
    assert problems == (f"1 of 1 pictures absent, looked for in {tmp_path}",)


def test_nothing_missing_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    pairs = (Pair(id="a", image=tmp_path / "a.png"), Pair(id="b", text="b"))
    assert only_present(pairs) == (pairs, ())


def test_absent_pictures_and_empty_posts(tmp_path: Path) -> None:
    pairs = [
        Pair(id=name, text=text, image=tmp_path / "x" / name) for name, text in (("a", "a"), ("b", "\u3000"))
    ]
    present, problems = only_present(pairs)
    assert present == (Pair(id="a", text="a"),)
    assert problems == (
        f"2 of 2 pictures absent, looked for in {tmp_path / 'x'}",
        "1 of 2 posts left out, without picture and text: b",
    )


def test_a_folder_is_no_picture_and_the_common_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "p" / "0.png").mkdir(parents=True)
    (tmp_path / "q.png").touch()
    images = (tmp_path / "p" / "0.png", tmp_path / "r" / "1.png", tmp_path / "q.png")
    present, problems = only_present(
        [Pair(id=str(n), text="t", image=image) for n, image in enumerate(images)]
    )
    assert [pair.image for pair in present] == [None, None, tmp_path / "q.png"]
    assert problems == (f"2 of 3 pictures absent, looked for in {tmp_path}: p/0.png, r/1.png",)


def test_some_names_the_first_three() -> None:
    assert [some("abc"), some("abcd"), some([]), some(range(2000))] == [
        "a, b, c",
        "a, b, c and 1 more",
        "",
        "0, 1, 2 and 1,997 more",
    ]
