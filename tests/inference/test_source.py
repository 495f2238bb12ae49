"""Tables in chunks: what is looked through once, typed, counted, and cut at the same places every time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentipair.errors import UserError
from sentipair.inference.source import look_through, table_of


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentipair.inference.source.CHUNK", 3)


def texts_of(path: Path, *, start: int = 0) -> list[tuple[int, list[str]]]:
    source = look_through(path, base=path.parent)
    return [(chunk.first, [row["text"] for row in chunk.rows]) for chunk in source.chunks(start=start)]


@pytest.mark.parametrize("kind", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_chunks_begin_at_the_same_rows_in_every_format(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"posts{kind}"
    texts = list("abcdefgh")
    if kind == ".parquet":
        pq.write_table(pa.table({"text": texts}), path, row_group_size=2)
    elif kind == ".jsonl":
        path.write_text("".join(f'{{"text": "{text}"}}\n\n' for text in texts), encoding="utf-8")
    else:
        path.write_text("text\n" + "\n\n".join(texts) + "\n", encoding="utf-8")
    expected = [(1, ["a", "b", "c"]), (4, ["d", "e", "f"]), (7, ["g", "h"])]
    assert texts_of(path) == expected
    assert texts_of(path, start=2) == expected[2:]
    assert texts_of(path, start=3) == []
    assert look_through(path, base=tmp_path).count == 8


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    for name, content in (("a.csv", "text\nx\n"), ("b.csv", "text\nx\n"), ("c.csv", "text\ny\n")):
        (tmp_path / name).write_text(content, encoding="utf-8")
    a, b, c = (look_through(tmp_path / name, base=tmp_path).digest for name in ("a.csv", "b.csv", "c.csv"))
    assert a == b != c


@pytest.mark.parametrize(
    ("first", "later", "expected"),
    [
        ("1", "2", pa.int64()),
        ("1", "2.5", pa.float64()),
        ("null", "true", pa.bool_()),
        ('"a"', "1", None),
        ("1", '"a"', None),
        ("{}", "{}", None),
        (str(2**70), "1", None),
        ('{"a": 1}', '{"b": "x"}', pa.struct([("a", pa.int64()), ("b", pa.string())])),
        ("[1]", '["a"]', None),
    ],
)
def test_types_of_json_are_those_of_all_rows(tmp_path: Path, first: str, later: str, expected: Any) -> None:
    path = tmp_path / "posts.jsonl"
    lines = [f'{{"it": {value}, "text": "a"}}\n' for value in (first, first, first, later)]
    path.write_text("".join([*lines, '{"more": 1}\n']), encoding="utf-8")
    source = look_through(path, base=tmp_path)
    assert source.columns == ("it", "text", "more")
    assert source.types[0] == expected
    assert [row for chunk in source.chunks() for row in chunk.rows][-1] == {
        "it": None,
        "text": None,
        "more": 1,
    }


def test_damage_anywhere_is_found_before_anything_is_scored(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('{"text": "a"}\n' * 10 + "{\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"posts\.jsonl, row 11 is no JSON"):
        look_through(path, base=tmp_path)
    path = tmp_path / "posts.csv"
    path.write_text("text\n" + "a\n" * 10 + "a,b\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"posts\.csv, row 11 has 2 fields"):
        look_through(path, base=tmp_path)


def test_a_folder_without_a_table_is_its_pictures(tmp_path: Path) -> None:
    scratch, folder = tmp_path / "scratch", tmp_path / "photos"
    scratch.mkdir()
    (folder / "deep").mkdir(parents=True)
    for name in ("b.JPG", "deep/a.png", "notes.txt", "b.txt"):
        (folder / name).write_text(f" {name}\n", encoding="utf-8")
    path, base = table_of(folder, scratch=scratch)
    rows = [row for chunk in look_through(path, base=base).chunks() for row in chunk.rows]
    assert rows == [{"image": "b.JPG", "text": "b.txt"}, {"image": "deep/a.png", "text": ""}]
    assert base == folder
    (folder / "metadata.csv").write_text("text\nx\n", encoding="utf-8")
    assert table_of(folder, scratch=scratch) == (folder / "metadata.csv", folder)
    with pytest.raises(UserError, match=r"neither a metadata\.csv or \.jsonl nor pictures"):
        table_of(scratch, scratch=scratch / "none")


def parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"text": ["a"]}), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"text\na\n", "standard-input.csv"),
        (b"text\timage\na\t\n", "standard-input.tsv"),
        (b'{"text": "a"}\n', "standard-input.jsonl"),
        (b'\xef\xbb\xbf\n {"text": "a"}', "standard-input.jsonl"),
        (parquet(), "standard-input.parquet"),
    ],
)
def test_a_stream_shows_what_it_is(tmp_path: Path, content: bytes, name: str) -> None:
    path, base = table_of(io.BytesIO(content), scratch=tmp_path)
    assert (path, base) == (tmp_path / name, Path.cwd())
    assert path.read_bytes() == content
    assert texts_of(path) == [(1, ["a"])]


def test_a_json_list_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="standard input is a JSON list; give JSON Lines"):
        table_of(io.BytesIO(b'\n[{"text": "a"}]'), scratch=tmp_path)
    assert not list(tmp_path.iterdir())
