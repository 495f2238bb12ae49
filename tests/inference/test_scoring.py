"""Scoring tables: nothing of the person's is lost or changed, every row that is left out is listed."""

from __future__ import annotations

import csv
import datetime
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from sentipair.errors import UserError
from sentipair.inference import Predictor
from sentipair.inference.scoring import score_table
from sentipair.inference.writing import problems_path

CLASSES = ("positive", "neutral", "negative")
NEW = [
    "prediction",
    "confidence",
    *(f"p({name})" for name in CLASSES),
    "text_alone",
    "image_alone",
    "conflict",
]


@pytest.fixture(scope="module")
def predictor(finished_run: Path) -> Predictor:
    return Predictor.from_pretrained(finished_run / "seed-0", engine="torch")


@pytest.fixture
def pictures(sample_posts: Path, tmp_path: Path) -> Path:
    """A folder with ``a.jpg``, ``b.jpg`` and a ``broken.jpg``."""
    for name, number in (("a", "00000"), ("b", "00001")):
        shutil.copy(sample_posts / "images" / f"{number}.jpg", tmp_path / f"{name}.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    return tmp_path


ROWS: list[dict[str, Any]] = [
    {"nr": "7", "image": "a.jpg", "text": "what a wonderful day"},
    {"nr": "8", "image": "", "text": "nobody, ever, came"},
    {"nr": "9", "image": "b.jpg", "text": ""},
    {"nr": "10", "image": "absent.jpg", "text": "it was fine"},
    {"nr": "11", "image": "absent.jpg", "text": ""},
    {"nr": "12", "image": "broken.jpg", "text": 'she said "no"'},
    {"nr": "13", "image": "broken.jpg", "text": " "},
    {"nr": "14", "image": "", "text": ""},
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0], delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("source", [".csv", ".tsv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("output", [".csv", ".jsonl", ".parquet"])
def test_every_format_to_every_format(predictor: Predictor, pictures: Path, source: str, output: str) -> None:
    scored = pictures / "deep" / f"scored{output}"
    report = score_table(predictor, write(pictures / f"posts{source}", ROWS), scored)
    rows = read(scored)
    assert list(rows[0]) == ["nr", "image", "text", *NEW]
    kept = [0, 1, 2, 3, 5]
    assert [{key: row[key] for key in ("nr", "image", "text")} for row in rows] == [ROWS[i] for i in kept]
    for row in rows:
        probabilities = [float(row[f"p({name})"]) for name in CLASSES]
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        assert float(row["confidence"]) == max(probabilities)
        assert row["prediction"] == CLASSES[probabilities.index(max(probabilities))]
        both = bool(row["text_alone"] and row["image_alone"])
        assert both == (row["nr"] == "7")
        assert both or str(row["conflict"]).lower() == "false"
    expected = predictor(image=pictures / "a.jpg", text="what a wonderful day")
    assert float(rows[0]["p(positive)"]) == pytest.approx(expected.probabilities["positive"], abs=5e-3)

    assert (report.rows, report.left_out, report.without_picture) == (8, 3, 2)
    assert sum(report.counts.values()) == 5
    problems = read(problems_path(scored))
    assert [(row["row"], row["outcome"]) for row in problems] == [
        ("4", "scored by its text"),
        ("5", "left out"),
        ("6", "scored by its text"),
        ("7", "left out"),
        ("8", "left out"),
    ]
    reasons = [row["reason"] for row in problems]
    assert reasons[0] == f"there is no picture at {pictures / 'absent.jpg'}"
    assert reasons[2] == "picture cannot be used: not a picture"
    assert reasons[4] == "neither a text nor a picture"
    assert [{key: row[key] for key in ("nr", "image", "text")} for row in problems] == ROWS[3:]
    assert not list((pictures / "deep").glob("*.parts"))


def test_parquet_columns_keep_their_types(predictor: Predictor, pictures: Path) -> None:
    table = pa.table(
        {
            "text": ["one", None, "three"],
            "when": pa.array([datetime.date(2020, 1, day) for day in (1, 2, 3)], pa.date32()),
            "tags": pa.array([["x"], [], None], pa.list_(pa.string())),
            "small": pa.array([1, 2, 3], pa.int16()),
            "kind": pa.array(["u", "v", "u"]).dictionary_encode(),
            "nothing": pa.nulls(3),
            "price": pa.array([1.5, None, 2.5], pa.float32()),
        }
    )
    pq.write_table(table, pictures / "posts.parquet")
    report = score_table(predictor, pictures / "posts.parquet", pictures / "scored.parquet")
    assert report.left_out == 1
    scored = pq.read_table(pictures / "scored.parquet")
    assert scored.select(table.column_names).equals(table.take([0, 2]))

    for name in ("scored.csv", "scored.jsonl"):
        score_table(predictor, pictures / "posts.parquet", pictures / name)
        row = read(pictures / name)[0]
        assert str(row["when"]) == "2020-01-01"
        assert row["tags"] in (["x"], '["x"]')


def test_values_of_mixed_types_become_json_in_parquet_alone(predictor: Predictor, pictures: Path) -> None:
    rows = [{"text": "a", "extra": 1}, {"text": "b", "extra": {"k": [2]}}, {"text": "c", "extra": None}]
    source = write(pictures / "posts.jsonl", rows)
    score_table(predictor, source, pictures / "scored.jsonl")
    assert [row["extra"] for row in read(pictures / "scored.jsonl")] == [1, {"k": [2]}, None]
    score_table(predictor, source, pictures / "scored.parquet")
    assert [row["extra"] for row in read(pictures / "scored.parquet")] == ["1", '{"k": [2]}', None]


def test_column_names_are_found_in_any_case_and_for_picture_folders(
    predictor: Predictor, pictures: Path
) -> None:
    write(pictures / "metadata.jsonl", [{"file_name": "a.jpg", "Text": "fine"}])
    score_table(predictor, pictures, pictures / "scored.csv")
    row = read(pictures / "scored.csv")[0]
    assert (row["file_name"], row["Text"]) == ("a.jpg", "fine")
    expected = predictor(image=pictures / "a.jpg", text="fine").probabilities["neutral"]
    assert float(row["p(neutral)"]) == pytest.approx(expected, abs=5e-3)


def test_a_table_that_calls_its_pictures_otherwise_is_told(
    predictor: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "posts.csv"
    path.write_text("text;photo;day\nhello;a.jpg;soon\n", encoding="utf-8")
    score_table(predictor, path, tmp_path / "out.csv", report=tmp_path / "out.html", date="day")
    said = capsys.readouterr().err
    assert "if photo has them, call it image" in said
    assert "no date in the column day could be read; write dates such as 2024-06-15" in said


def test_an_empty_cell_of_pandas_is_no_text(predictor: Predictor, pictures: Path) -> None:
    pq.write_table(pa.table({"text": [float("nan")], "image": ["a.jpg"]}), pictures / "posts.parquet")
    score_table(predictor, pictures / "posts.parquet", pictures / "scored.csv")
    expected = predictor(image=pictures / "a.jpg").probabilities["neutral"]
    assert float(read(pictures / "scored.csv")[0]["p(neutral)"]) == pytest.approx(expected, abs=5e-3)


def test_the_output_is_replaced_and_an_old_list_of_problems_goes(
    predictor: Predictor, pictures: Path
) -> None:
    scored = pictures / "scored.csv"
    score_table(predictor, write(pictures / "posts.csv", ROWS), scored)
    assert problems_path(scored).exists()
    report = score_table(predictor, write(pictures / "posts.csv", ROWS[:1]), scored)
    assert not report.has_problems
    assert len(read(scored)) == 1
    assert not problems_path(scored).exists()


@pytest.mark.parametrize("output", [".csv", ".jsonl", ".parquet"])
def test_a_table_of_nothing_but_problems(predictor: Predictor, pictures: Path, output: str) -> None:
    source = write(pictures / "posts.csv", ROWS[4:5])
    report = score_table(predictor, source, pictures / f"scored{output}")
    assert sum(report.counts.values()) == 0
    assert report.left_out == 1
    assert read(pictures / f"scored{output}") == []


@pytest.mark.parametrize(
    ("content", "output", "expected"),
    [
        ("text\nx\n", "scored.xlsx", "name the output .parquet, .csv or .jsonl"),
        ("text\nx\n", "posts.csv", "choose another --output"),
        ("words\nx\n", "scored.csv", "neither a column image nor text"),
        ("text\n", "scored.csv", "no rows"),
        ("", "scored.csv", "no rows"),
        ("text,prediction\nx,y\n", "scored.csv", "has a column prediction already"),
        ("text,p(neutral)\nx,y\n", "scored.csv", "has a column p(neutral) already"),
        ("text\n1,2,3\n", "scored.csv", "row 1 has 3 fields"),
        ("text,note,note\nx,1,2\n", "scored.csv", "more than one column note"),
        ("text,Text\nx,y\n", "scored.csv", "more than one column text: text, Text; keep one"),
        ("text\nx\n", "deep/../posts.csv", "posts.csv is the table to be scored"),
    ],
)
def test_what_cannot_be_scored_is_one_line(
    predictor: Predictor, tmp_path: Path, content: str, output: str, expected: str
) -> None:
    (tmp_path / "posts.csv").write_text(content, encoding="utf-8")
    with pytest.raises(UserError) as error:
        score_table(predictor, tmp_path / "posts.csv", tmp_path / output)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["posts.csv"]


def test_nothing_that_is_read_is_written_over(predictor: Predictor, tmp_path: Path) -> None:
    table = tmp_path / "scored.csv.errors.csv"
    table.write_text("text\nx\n", encoding="utf-8")
    with pytest.raises(UserError, match="would be overwritten; choose another --output"):
        score_table(predictor, table, tmp_path / "scored.csv")
    with pytest.raises(UserError, match="would be overwritten; choose another --report"):
        score_table(predictor, table, tmp_path / "other.csv", report=tmp_path / "." / table.name)
    with pytest.raises(UserError, match="choose another --report"):
        score_table(predictor, table, tmp_path / "other.csv", report=tmp_path / "other.csv")
    assert table.read_text(encoding="utf-8") == "text\nx\n"
    assert [path.name for path in tmp_path.iterdir()] == [table.name]


def test_another_output_keeps_its_list_of_problems(predictor: Predictor, tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text("text,note\n,a\nx,b\n", encoding="utf-8")
    good.write_text("text\nx\n", encoding="utf-8")
    score_table(predictor, bad, tmp_path / "scored.csv")
    score_table(predictor, good, tmp_path / "scored.jsonl")
    assert len(read(problems_path(tmp_path / "scored.csv"))) == 1
    assert not problems_path(tmp_path / "scored.jsonl").exists()


def test_pictures_inside_a_table_are_told(predictor: Predictor, pictures: Path) -> None:
    content = {"bytes": b"\x89PNG" * 50, "path": "a.png"}
    pq.write_table(pa.Table.from_pylist([{"image": content, "text": "good"}]), pictures / "posts.parquet")
    report = score_table(predictor, pictures / "posts.parquet", pictures / "scored.parquet")
    assert report.without_picture == 1
    assert read(problems_path(pictures / "scored.parquet"))[0]["reason"].endswith("of type dict")


def test_an_absent_table_is_named(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no file .*absent\.csv"):
        score_table(predictor, tmp_path / "absent.csv", tmp_path / "scored.csv")


@pytest.fixture
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentipair.inference.source.CHUNK", 3)


@pytest.mark.usefixtures("short_chunks")
@pytest.mark.parametrize("kind", [".csv", ".jsonl", ".parquet"])
def test_more_rows_than_are_scored_at_a_time_stay_in_order(
    predictor: Predictor, tmp_path: Path, kind: str
) -> None:
    rows = [{"text": f"post number {i}" if i % 4 else "", "nr": str(i)} for i in range(11)]
    table = write(tmp_path / f"posts{kind}", rows)
    report = score_table(predictor, table, tmp_path / f"scored{kind}")
    found = read(tmp_path / f"scored{kind}")
    assert [row["nr"] for row in found] == [row["nr"] for row in rows if row["text"]]
    assert report.left_out == 3
    for row in found:
        alone = predictor(text=row["text"])
        assert row["prediction"] == alone.label
        assert float(row["p(neutral)"]) == pytest.approx(alone.probabilities["neutral"], abs=5e-3)


@pytest.mark.usefixtures("short_chunks")
def test_dictionaries_and_row_groups_do_not_matter(predictor: Predictor, tmp_path: Path) -> None:
    kinds = pa.array([f"kind {i}" for i in range(8)]).dictionary_encode()
    table = pa.table({"text": [f"post {i}" for i in range(8)], "kind": kinds})
    pq.write_table(table, tmp_path / "posts.parquet", row_group_size=2)
    score_table(predictor, tmp_path / "posts.parquet", tmp_path / "scored.parquet")
    scored = pq.read_table(tmp_path / "scored.parquet")
    assert scored.select(["text", "kind"]).to_pylist() == table.to_pylist()
    assert scored.schema.field("kind").type == table.schema.field("kind").type


def test_a_folder_of_pictures_and_standard_input(
    predictor: Predictor, pictures: Path, tmp_path: Path
) -> None:
    (pictures / "a.txt").write_text("what a wonderful day\n", encoding="utf-8")
    report = score_table(predictor, pictures, tmp_path / "scored.csv")
    rows = read(tmp_path / "scored.csv")
    assert [(row["image"], row["text"]) for row in rows] == [("a.jpg", "what a wonderful day"), ("b.jpg", "")]
    assert report.left_out == 1  # broken.jpg
    for content in (b"text\ngood\nbad\n", b'\n{"text": "good"}\n{"text": "bad"}\n'):
        score_table(predictor, io.BytesIO(content), tmp_path / "piped.csv")
        assert [row["text"] for row in read(tmp_path / "piped.csv")] == ["good", "bad"]
    with pytest.raises(UserError, match=r"input\.csv has no rows"):
        score_table(predictor, io.BytesIO(b""), tmp_path / "empty.csv")
    assert not (tmp_path / "empty.csv.parts").exists()


def test_below_the_threshold_a_row_has_no_class_and_is_counted(finished_run: Path, tmp_path: Path) -> None:
    unsure = Predictor.from_pretrained(finished_run / "seed-0", engine="torch", threshold=1.0)
    table = write(tmp_path / "posts.csv", [{"text": "a post"}, {"text": "another"}])
    report = score_table(unsure, table, tmp_path / "scored.csv")
    assert (report.abstained, sum(report.counts.values()), report.examples) == (2, 0, {})
    assert [row["prediction"] for row in read(tmp_path / "scored.csv")] == ["", ""]


def test_odd_pictures_and_texts(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "empty.jpg").write_bytes(b"")
    Image.new("RGB", (1, 1), "red").save(tmp_path / "dot.png")
    Image.new("CMYK", (30, 20)).save(tmp_path / "cmyk.jpg")
    Image.new("I;16", (30, 20)).save(tmp_path / "grey.png")
    frames = [Image.new("P", (30, 20), i) for i in range(2)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    Image.new("1", (20_000, 20_000)).save(tmp_path / "huge.png")
    usable = ["dot.png", "cmyk.jpg", "grey.png", "moving.gif"]
    useless = ["folder.jpg", "empty.jpg", "huge.png", "x" * 5_000, "nul\0.jpg", "http://a.b/c.jpg"]
    rows = [{"image": name, "text": "a"} for name in (*usable, *useless)]
    rows += [{"image": "", "text": "word " * 20_000}, {"image": " ", "text": "\u202e 😂 \u0000"}]
    table = write(tmp_path / "posts.jsonl", rows)
    report = score_table(predictor, table, tmp_path / "scored.jsonl")
    assert (report.left_out, report.without_picture, report.truncated) == (0, len(useless), 1)
    assert [row["image_alone"] is not None for row in read(tmp_path / "scored.jsonl")] == [
        name in usable for name in (*usable, *useless, "", "")
    ]
    reasons = [row["reason"] for row in read(tmp_path / "scored.jsonl.errors.csv")]
    assert reasons[1:3] == [
        "picture cannot be used: not a picture",
        "picture cannot be used: too many pixels",
    ]


def test_repeated_pictures_and_texts_are_encoded_once(
    predictor: Predictor, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {made_by.kind: made_by for _, made_by in predictor.encode.columns}
    encoded: list[int] = []
    for made_by in sources.values():
        monkeypatch.setattr(
            made_by,
            "encode",
            lambda pairs, it=made_by: encoded.append(len(pairs)) or type(it).encode(it, pairs),
        )
    rows = [{"image": "a.jpg", "text": "again"}] * 40 + [{"image": "b.jpg", "text": "again"}]
    monkeypatch.setattr(predictor, "warm_up", lambda: None)
    score_table(predictor, write(pictures / "posts.csv", rows), pictures / "scored.csv")
    assert sorted(encoded) == [1, 2]


def test_the_page_has_what_was_counted(predictor: Predictor, pictures: Path) -> None:
    rows = [{**row, "day": f"2024-03-{i + 1:02d}", "who": "<ann>"} for i, row in enumerate(ROWS)]
    page = pictures / "scored.html"
    score_table(
        predictor,
        write(pictures / "posts.csv", rows),
        pictures / "scored.csv",
        report=page,
        date="day",
        group="who",
    )
    text = page.read_text(encoding="utf-8")
    for expected in (
        "What posts.csv says",
        "Over day",
        "By who",
        "&lt;ann&gt;",
        "Posts per day",
        "left out</b> 3",
    ):
        assert expected in text
    assert "<ann>" not in text
