"""Scoring tables: nothing of the person's is lost or changed, every row that is left out is listed."""

from __future__ import annotations

import csv
import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentipair.errors import UserError
from sentipair.inference import Predictor
from sentipair.inference.scoring import score_table

NEW = ["prediction", "confidence", "p(positive)", "p(neutral)", "p(negative)"]


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
        probabilities = [float(row[name]) for name in NEW[2:]]
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        assert float(row["confidence"]) == max(probabilities)
        assert row["prediction"] == NEW[2 + probabilities.index(max(probabilities))][2:-1]
    expected = predictor(image=pictures / "a.jpg", text="what a wonderful day")
    assert float(rows[0]["p(positive)"]) == pytest.approx(expected.probabilities["positive"], abs=5e-3)

    assert list(report.left_out) == [5, 7, 8]
    assert list(report.without_picture) == [4, 6]
    assert sum(report.counts.values()) == 5
    problems = read(pictures / "deep" / "scored.errors.csv")
    assert [(row["row"], row["outcome"]) for row in problems] == [
        ("4", "scored by its text"),
        ("5", "left out"),
        ("6", "scored by its text"),
        ("7", "left out"),
        ("8", "left out"),
    ]
    reasons = [row["reason"] for row in problems]
    assert reasons[0] == f"no picture at {pictures / 'absent.jpg'}"
    assert reasons[2] == "picture cannot be used: not a picture"
    assert reasons[4] == "neither a text nor a picture"


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
    assert list(report.left_out) == [2]
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
    assert (pictures / "scored.errors.csv").exists()
    report = score_table(predictor, write(pictures / "posts.csv", ROWS[:1]), scored)
    assert not report.has_problems
    assert len(read(scored)) == 1
    assert not (pictures / "scored.errors.csv").exists()


@pytest.mark.parametrize("output", [".csv", ".jsonl", ".parquet"])
def test_a_table_of_nothing_but_problems(predictor: Predictor, pictures: Path, output: str) -> None:
    source = write(pictures / "posts.csv", ROWS[4:5])
    report = score_table(predictor, source, pictures / f"scored{output}")
    assert sum(report.counts.values()) == 0
    assert list(report.left_out) == [1]
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


def test_an_absent_table_is_named(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no file .*absent\.csv"):
        score_table(predictor, tmp_path / "absent.csv", tmp_path / "scored.csv")


def test_more_rows_than_are_scored_at_a_time_stay_in_order(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentipair.inference.scoring.CHUNK", 3)
    rows = [{"text": f"post number {i}" if i % 4 else ""} for i in range(11)]
    report = score_table(predictor, write(tmp_path / "posts.csv", rows), tmp_path / "scored.csv")
    assert [row["text"] for row in read(tmp_path / "scored.csv")] == [
        row["text"] for row in rows if row["text"]
    ]
    assert list(report.left_out) == [1, 5, 9]
