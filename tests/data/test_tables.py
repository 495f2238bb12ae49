"""Own tables: every format, every mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from sentipair.data.pair import SENTIMENT
from sentipair.data.readers.loading import load_dataset
from sentipair.data.rows import read_rows
from sentipair.data.tables import read_table
from sentipair.errors import UserError

ROWS: list[dict[str, Any]] = [
    {"image": "a.png", "text": 'she said "no", twice', "label": "neutral"},
    {"image": "", "text": "two\nlines 😂", "label": "positive"},
    {"image": "sub/b.png", "text": "", "label": "negative"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name in ("a.png", "sub/b.png"):
        Image.new("RGB", (2, 2)).save(tmp_path / name)
    return tmp_path


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows in the format that the file's ending names, quoted by hand."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    else:
        mark = "\t" if path.suffix == ".tsv" else ","
        lines = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
        quoted = [['"' + field.replace('"', '""') + '"' for field in line] for line in lines]
        path.write_text("\n".join(mark.join(line) for line in quoted) + "\n", encoding="utf-8")
    return path


def text_file(folder: Path, content: str, name: str = "posts.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode())
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_all_formats_give_the_same_posts(folder: Path, suffix: str) -> None:
    dataset = read_table(write(folder / f"posts{suffix}", ROWS))
    assert [(pair.id, pair.text, pair.label) for pair in dataset] == [
        ("1", 'she said "no", twice', "neutral"),
        ("2", "two\nlines 😂", "positive"),
        ("3", "", "negative"),
    ]
    assert [pair.image for pair in dataset] == [folder / "a.png", None, folder / "sub/b.png"]
    assert (dataset.classes, dataset.scheme, dataset.problems) == (SENTIMENT, "own/seed=0", ())
    assert dataset.name == f"posts{suffix}"
    assert dataset.splits["train"] == ("1", "2", "3")


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_a_picture_folder(folder: Path, name: str) -> None:
    rows = [{"file_name": row["image"], "text": row["text"], "label": row["label"]} for row in ROWS]
    write(folder / name, rows)
    assert read_table(folder)[0].image == folder / "a.png"


def test_a_folder_needs_just_one_table(folder: Path) -> None:
    with pytest.raises(UserError, match=r"has no metadata\.csv or metadata\.jsonl; it needs one"):
        read_table(folder)
    write(folder / "metadata.csv", ROWS)
    write(folder / "metadata.jsonl", ROWS)
    with pytest.raises(UserError, match=r"has metadata\.csv and metadata\.jsonl; it needs one"):
        read_table(folder)


def test_optional_columns_in_any_case(folder: Path) -> None:
    path = text_file(folder, "\ufeffID,Text ,LABEL,text_label,Image_Label\r\n007,x,1,a,\r\n008,y,0,,b\r\n")
    assert read_table(path).problems == ()  # labels of another kind
    path = text_file(folder, "\ufeffID,Text ,LABEL,text_label,Image_Label\r\n007,x,A,a,\r\n008,y,B,,b\r\n")
    dataset = read_table(path)
    first, second = dataset
    assert (first.id, first.label, first.text_label, first.image_label) == ("007", "A", "a", None)
    assert (second.text_label, second.image_label) == (None, "b")
    assert dataset.classes == ("A", "B")
    assert dataset.problems == (
        "text_label is none of the classes in 1 of 2 posts and not learned from there: a",
        "image_label is none of the classes in 1 of 2 posts and not learned from there: b",
    )


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([1, 0, 2], ("0", "1", "2")),
        ([True, False, True], ("False", "True")),
        (["negative", "positive", "negative"], ("negative", "positive")),
        (["neutral", "negative", "positive"], SENTIMENT),
        (["only", "only", "only"], ("only",)),
    ],
)
def test_classes_come_from_labels_of_any_type(
    folder: Path, labels: list[Any], classes: tuple[str, ...]
) -> None:
    rows = [{"text": f"t{n}", "label": label} for n, label in enumerate(labels)]
    assert read_table(write(folder / "posts.jsonl", rows)).classes == classes


def test_given_classes_are_kept_and_others_refused(folder: Path) -> None:
    path = write(folder / "posts.csv", ROWS)
    wide = ("negative", "neutral", "positive", "mixed")
    assert read_table(path, classes=wide).classes == wide
    with pytest.raises(UserError, match=r"labels \['neutral'\] are not among the classes"):
        read_table(path, classes=("positive", "negative"))


def test_a_split_column_is_taken_as_given(folder: Path) -> None:
    lines = [
        "text,label,split",
        "a,x,train",
        "b,y,dev",
        "c,x,VAL",
        "d,y,valid",
        "e,x,validation",
        "f,y,test",
        "g,x,",
    ]
    dataset = read_table(text_file(folder, "\n".join(lines)))
    assert dict(dataset.splits) == {"train": ("1",), "validation": ("2", "3", "4", "5"), "test": ("6",)}
    assert dataset.scheme == "as-given"
    assert dataset.problems == ("1 of 7 posts belong to no split: 7",)


def test_an_unknown_split_names_the_row(folder: Path) -> None:
    with pytest.raises(
        UserError, match=r"posts\.csv, row 2: split 'trian' is none of train, validation, test"
    ):
        read_table(text_file(folder, "text,label,split\na,x,train\nb,y,trian\n"))


def test_what_is_missing_is_counted_and_listed(folder: Path) -> None:
    rows = [
        *ROWS,
        {"image": "none.png", "text": "text alone", "label": "neutral"},
        {"image": "gone.png", "text": " ", "label": "neutral"},
        {"image": "", "text": "", "label": "neutral"},
        {"image": "a.png", "text": "x", "label": ""},
    ]
    dataset = read_table(write(folder / "posts.csv", [row | {"likes": 3, "date": ""} for row in rows]))
    assert [pair.id for pair in dataset] == ["1", "2", "3", "4", "7"]
    assert (dataset.by_id["4"].image, dataset.by_id["7"].label) == (None, None)
    assert "7" not in {i for ids in dataset.splits.values() for i in ids}
    assert dataset.problems == (
        "columns ignored: likes, date",
        "1 of 5 posts have no label: 7",
        f"2 of 5 pictures absent, looked for in {folder}: none.png, gone.png",
        "2 of 7 posts left out, without picture and text: 5, 6",
    )


def test_many_absent_pictures_are_not_all_listed(folder: Path) -> None:
    rows = [{"image": f"{n}.png", "text": "x", "label": "y"} for n in range(10)] + ROWS
    (problem,) = read_table(write(folder / "posts.jsonl", rows)).problems
    assert problem == f"10 of 12 pictures absent, looked for in {folder}: 0.png, 1.png, 2.png and 7 more"


def test_addresses_of_pictures_are_called_so(folder: Path) -> None:
    rows = [{"image": "https://x.org/1.jpg", "text": "x", "label": "y"}, *ROWS]
    dataset = read_table(write(folder / "posts.jsonl", rows))
    assert dataset[0].image is None
    assert dataset.problems == (
        "1 pictures are addresses, which are not fetched; download them: https://x.org/1.jpg",
    )


def test_pictures_in_another_folder_are_not_taken_for_absent_labels(folder: Path) -> None:
    rows = [{"image": f"elsewhere/{n}.png", "label": "y"} for n in range(3)]
    with pytest.raises(
        UserError, match=r"no post is left; 3 of 3 pictures absent, looked for in .*elsewhere"
    ):
        read_table(write(folder / "posts.jsonl", rows))


@pytest.mark.parametrize(
    ("labels", "problems"),
    [
        (
            ("Good", "good", "bad"),
            ["the labels Good, good are classes of their own; write them alike if they are one"],
        ),
        (("1", "1.0", "0"), ["the labels 1, 1.0 are classes of their own; write them alike if they are one"]),
        (("a", "NaN", "b"), ["the label NaN is a class; leave the cell empty where there is none"]),
        (("none", "happy", "angry"), []),
        (
            [f"0.{n}" for n in range(11, 23)] + ["0.11"],
            ["11 of 12 classes have one post each; labels should be classes, not scores"],
        ),
    ],
)
def test_labels_that_hardly_are_classes_are_told(
    folder: Path, labels: list[str], problems: list[str]
) -> None:
    lines = [f"post {n},{label}" for n, label in enumerate(labels)]
    assert list(read_table(text_file(folder, "\n".join(["text,label", *lines]))).problems) == problems


def test_semicolons_of_a_spreadsheet(folder: Path) -> None:
    path = text_file(folder, 'text;label;image\n"one; two, three";y;a.png\nplain;z;\n')
    dataset = read_table(path)
    assert [(pair.text, pair.label) for pair in dataset] == [("one; two, three", "y"), ("plain", "z")]
    with pytest.raises(
        UserError, match="row 1 has 3 fields, the header 2; put texts that hold a semicolon in"
    ):
        read_table(text_file(folder, "text;label\none; two;y\n"))


def test_names_of_pictures_as_windows_writes_them(folder: Path) -> None:
    (folder / "my pictures").mkdir()
    (folder / "a.png").rename(folder / "my pictures" / "a.png")
    rows = [{"text": "x", "image": name, "label": "y"} for name in ("my pictures\\a.png", "gone\\a.png")]
    first, second = read_table(write(folder / "posts.jsonl", rows))
    assert (first.image, second.image) == (folder / "my pictures" / "a.png", None)


def test_a_column_that_seems_to_hold_the_pictures_is_named(folder: Path) -> None:
    rows = [{"text": "x", "photo": f"{n}.JPG", "label": "y"} for n in range(2)]
    assert read_table(write(folder / "posts.jsonl", rows)).problems == (
        "columns ignored: photo",
        "no column image, so all posts are without a picture; if photo has them, call it image",
    )


def test_text_that_is_not_utf_8_is_told(folder: Path) -> None:
    path = folder / "posts.csv"
    path.write_bytes("text,label\n今天,好\nplain,好\n".encode("gbk"))
    assert read_table(path).problems == (
        "2 lines are not UTF-8 and are read as Windows-1252; if it is none, save as UTF-8",
    )
    path.write_text("text,label\n今天,好\n", encoding="utf-16")
    assert read_table(path).problems == ()


def test_labels_of_bytes_are_refused(folder: Path) -> None:
    pq.write_table(pa.table({"text": ["a"], "label": [b"good"]}), folder / "posts.parquet")
    with pytest.raises(UserError, match="row 1: label is a bytes; give a string or a number"):
        read_table(folder / "posts.parquet")


def test_texts_of_the_same_words_stay_in_one_part_of_an_own_split(folder: Path) -> None:
    twins = ("https://t.co/{n}", "https://t.co/{n}", "@you Post {n}!", "RT @me post {n}", "post, {n}")
    rows = [{"text": twin.format(n=n), "label": "ab"[n % 2]} for n in range(30) for twin in twins]
    dataset = read_table(write(folder / "posts.jsonl", rows))
    homes = {i: name for name, ids in dataset.splits.items() for i in ids}
    places = [
        {homes[str(5 * n + each + 1)] for each in pair} for n in range(30) for pair in ((0, 1), (2, 3, 4))
    ]
    assert all(len(place) == 1 for place in places)
    assert set(homes.values()) == {"train", "validation", "test"}


def test_a_scheme_takes_the_place_of_the_split_column(folder: Path) -> None:
    rows = [{"text": f"post {n}", "label": "ab"[n % 2], "split": "train" if n % 3 else ""} for n in range(30)]
    path = write(folder / "posts.jsonl", rows)
    assert "10 of 30 posts belong to no split" in read_table(path).problems[0]
    own = read_table(path, scheme="folds-3/1", seed=4)
    assert (own.scheme, own.problems, sum(map(len, own.splits.values()))) == ("folds-3/1/seed=4", (), 30)


def test_a_folder_is_called_by_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "metadata.jsonl", ROWS)
    monkeypatch.chdir(folder)
    assert read_table(Path()).name == folder.name


def test_to_predict_no_labels_are_needed(folder: Path) -> None:
    path = text_file(folder, "text\nhello\n")
    dataset = read_table(path, require_labels=False)
    assert (len(dataset), dataset.classes, dict(dataset.splits), dataset.scheme) == (1, (), {}, "none")
    with pytest.raises(UserError, match=r"posts\.csv has no column label \(it has: text\); add one"):
        read_table(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "posts.csv has no rows"),
        ("text,label\n", "posts.csv has no rows"),
        ("tweet,label\nx,y\n", r"no column text or image \(it has: tweet, label\)"),
        ("image,file_name,label\nx,y,z\n", "more than one column image"),
        ("Text,text,label\nx,y,z\n", "more than one column text"),
        ("id,text,label\n7,x,y\n8,x,y\n7,x,y\n", "the id '7' is in rows 1 and 3"),
        ("id,text,label\n7,x,y\n ,x,y\n", "row 2 has an empty id"),
        ("text,label\nx,\ny,\n", "no post has a label"),
        ("text,label\nx,y\nwell, well,y\n", "row 2 has 3 fields, the header 2; put texts"),
        ('text,label\n"never closed,y\n', "unexpected end of data; double the quotation marks"),
        ('text,label\n"a" b,y\n', "line 2: .* double the quotation marks"),
    ],
)
def test_each_mistake_in_a_csv_is_one_line(folder: Path, content: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read_table(text_file(folder, content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "a", "label": 1}\n\n{"text": "b"\n', "row 2 is no JSON: "),
        ('{"text": "a", "label": 1}\n["b"]\n', "row 2 is no JSON object"),
        ('{"text": 5, "label": 1}\n', "row 1: text is a int; give a string"),
        ('{"image": {"bytes": ""}, "label": 1}\n', "row 1: image is a dict; give a string"),
        ('{"text": "a", "label": ["x", "y"]}\n', "row 1: label is a list; give a string or a number"),
    ],
)
def test_each_mistake_in_json_lines_is_one_line(folder: Path, content: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read_table(text_file(folder, content, "posts.jsonl"))
    assert "\n" not in str(caught.value)


def test_files_that_are_no_tables(folder: Path) -> None:
    with pytest.raises(UserError, match=r"a\.png is no table; use \.csv, "):
        read_table(folder / "a.png")
    with pytest.raises(UserError, match=r"no file .*none\.csv; check the name"):
        read_table(folder / "none.csv")
    with pytest.raises(UserError, match="cannot be read as Parquet") as caught:
        read_table(text_file(folder, "PAR1 nonsense", "posts.parquet"))
    assert "\n" not in str(caught.value)


def test_a_long_text_and_short_rows_are_fine(folder: Path) -> None:
    dataset = read_table(text_file(folder, "text,label,image\n" + "x" * 200_000 + ",y\n\nshort,z\n"))
    assert [len(pair.text) for pair in dataset] == [200_000, 5]


def test_quotation_marks_that_belong_to_the_texts_of_a_tsv(folder: Path) -> None:
    texts = ['"so it begins', "plain", 'it ends"', '"Hello" she said', 'a "word"', '"whole"']
    lines = ["text\tlabel", *(f"{text}\tx" for text in texts)]
    dataset = read_table(text_file(folder, "\n".join(lines), "posts.tsv"))
    assert [pair.text for pair in dataset] == texts
    lines[1:] = ['"two\nlines"\tx', '"she said ""no"""\tx', '"a\ttab"\tx']
    dataset = read_table(text_file(folder, "\r\n".join(lines), "posts.tsv"))
    assert [pair.text for pair in dataset] == ["two\nlines", 'she said "no"', "a\ttab"]
    alone = text_file(folder, 'text\n"two\nlines"\nplain\n', "posts.tsv")
    assert [pair.text for pair in read_table(alone, require_labels=False)] == ["two\nlines", "plain"]


def test_a_date_beyond_the_calendar_is_one_line(folder: Path) -> None:
    far = pa.array([2**58], pa.timestamp("us"))
    pq.write_table(pa.table({"text": ["a"], "label": ["x"], "when": far}), folder / "posts.parquet")
    with pytest.raises(UserError, match=r"cannot be read as Parquet .*; export it again"):
        read_table(folder / "posts.parquet")


def test_texts_that_the_steps_make_equal_stay_in_one_part_of_an_own_split(folder: Path) -> None:
    rows = [{"text": f"post {'#' * (n % 2)}number{n // 2}", "label": "ab"[n // 2 % 2]} for n in range(80)]
    dataset = load_dataset(write(folder / "posts.jsonl", rows), text_steps=("drop-hash",))
    assert dataset.text_steps == ("drop-hash",)
    texts = [{pair.text for pair in dataset.split(name)} for name in dataset.splits]
    assert sum(map(len, texts)) == len(set.union(*texts)) == 40


def test_empty_cells_of_pandas_are_empty(folder: Path) -> None:
    nan = float("nan")
    table = pa.table({"text": ["a", None], "image": [nan, nan], "label": [1.0, nan]})
    pq.write_table(table, folder / "posts.parquet")
    dataset = read_table(folder / "posts.parquet")
    assert [(pair.text, pair.image, pair.label) for pair in dataset] == [("a", None, "1")]


def test_other_encodings_are_repaired(folder: Path) -> None:
    path = folder / "posts.csv"
    path.write_bytes("text,label\ncafé “ok”,y\n".encode("cp1252"))
    assert read_table(path)[0].text == "café “ok”"
    path.write_bytes("text,label\ncafé 😂,y\n".encode("utf-16"))
    assert read_table(path)[0].text == "café 😂"


def test_json_lines_end_at_line_feeds_only(folder: Path) -> None:
    path = text_file(folder, '{"text": "a\u2028b\u0085c", "label": "y"}\r\n', "posts.jsonl")
    assert read_table(path)[0].text == "a\u2028b\u0085c"


def test_raw_rows_keep_every_column_and_type(folder: Path) -> None:
    rows = [{"text": "a", "likes": 3}, {"text": "b", "who": None}]
    columns, found = read_rows(write(folder / "posts.jsonl", rows))
    assert columns == ("text", "likes", "who")
    assert found == [{"text": "a", "likes": 3, "who": None}, {"text": "b", "likes": None, "who": None}]
    columns, found = read_rows(text_file(folder, "text,likes\na,3\nb\n"))
    assert (columns, found) == (("text", "likes"), [{"text": "a", "likes": "3"}, {"text": "b", "likes": ""}])


def test_the_seed_makes_the_split(folder: Path) -> None:
    path = write(folder / "posts.jsonl", [{"text": f"t {n}", "label": n % 2} for n in range(50)])
    assert read_table(path, seed=1).splits == read_table(path, seed=1).splits
    assert read_table(path, seed=1).splits != read_table(path, seed=2).splits
    assert read_table(path, seed=2).scheme == "own/seed=2"


def test_half_an_emoji_in_json_becomes_a_replacement_character(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    rows = ({"text": "rain \ud83d", "label": "bad"}, {"text": "\ud83d\ude0a", "label": "good"})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    posts = read_table(path)
    assert [pair.text for pair in posts] == [
        "rain \N{REPLACEMENT CHARACTER}",
        "\N{SMILING FACE WITH SMILING EYES}",
    ]
    assert posts.fingerprint
