"""Rationales as tables, and giving them to posts."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentipair.data import Pair, PairDataset, load_dataset
from sentipair.errors import UserError
from sentipair.rationales import LEXICON, lexicon_rationales, with_rationales
from sentipair.rationales.tables import read_rationales, write_rationales

CLASSES = ("positive", "neutral", "negative")


def dataset(*pairs: Pair, classes: tuple[str, ...] = CLASSES) -> PairDataset:
    return PairDataset(name="posts", classes=classes, pairs=pairs)


def test_an_export_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "r.parquet"
    given = {"1": {"positive": "yes", "verdict": "neutral"}, "2": {}, "3": {"negative": "no"}}
    write_rationales(path, given, (*CLASSES, "verdict"))
    assert pq.read_table(path).column_names == ["id", *CLASSES, "verdict"]
    assert read_rationales(path, CLASSES) == given


def test_other_peoples_tables(tmp_path: Path) -> None:
    csv, lines = tmp_path / "r.csv", tmp_path / "r.jsonl"
    csv.write_text('id,label,r_pos,r_neg\n7,x,"two\nlines",\n8,x, ,b\n', encoding="utf-8")
    assert read_rationales(csv, CLASSES) == {"7": {"positive": "two lines"}, "8": {"negative": "b"}}
    lines.write_text('{"id": 7, "sarcastic": "irony"}\n{"id": 8, "sarcastic": null}\n', encoding="utf-8")
    assert read_rationales(lines, ("sarcastic",)) == {"7": {"sarcastic": "irony"}, "8": {}}
    pq.write_table(pa.table({"id": [7], "neutral": ["so so"]}), tmp_path / "r.parquet")
    assert read_rationales(tmp_path / "r.parquet", CLASSES) == {"7": {"neutral": "so so"}}


def test_mpts_layout_with_breaks_inside_records(tmp_path: Path) -> None:
    table = tmp_path / "mvsa.tsv"
    table.write_bytes(
        '2\tdata\\11.jpg\t"one\r\ntext"\t"pos\nbreak"\tneu\t"neg ""with"" a\ttab"\r\n'
        "0\timages/12.JPG\t\tp\tn\tm 😂\n".encode()
    )
    assert read_rationales(table, CLASSES) == {
        "11": {"positive": "pos break", "neutral": "neu", "negative": 'neg "with" a tab'},
        "12": {"positive": "p", "neutral": "n", "negative": "m 😂"},
    }
    whole = "2\tdata/{}.jfif\ttext\tpos\t\tneg\n"
    table.write_text("".join(map(whole.format, (1, 2))) + "2\tdata/3.heic\ttext\tpos\tneu\n", "utf-8")
    with pytest.raises(
        UserError, match="record 3: expected label, picture, text and two or three rationales"
    ):
        read_rationales(table, CLASSES)
    table.write_text("2\tdata/11.jpg\ttext\tpos\n", encoding="utf-8")
    with pytest.raises(
        UserError, match="record 1: expected label, picture, text and two or three rationales"
    ):
        read_rationales(table, CLASSES)
    table.write_text("".join(map(whole.format, (1, 2))), "utf-8")
    assert read_rationales(table, CLASSES) == {key: {"positive": "pos", "negative": "neg"} for key in "12"}


def test_ch_mits_layout_has_two_rationales_and_calls_posts_by_their_folders(tmp_path: Path) -> None:
    table = tmp_path / "chmits.tsv"
    table.write_text("1\tp/p0/cover.jpg\ta\tgood\tbad\n0\tn/n7/cover.jpg\tb\tfine\tpoor\n", "utf-8")
    assert read_rationales(table, ("positive", "negative")) == {
        "p0": {"positive": "good", "negative": "bad"},
        "n7": {"positive": "fine", "negative": "poor"},
    }
    table.write_text("1\tp/p0/cover.jpg\ta\tgood\tbad\n" * 2, "utf-8")
    with pytest.raises(UserError, match="names a post twice"):
        read_rationales(table, CLASSES)


def test_the_published_table_of_ch_mits(shared_data: Path) -> None:
    found = read_rationales(shared_data / "ch-mits" / "llm_rationales.tsv", ("positive", "negative"))
    pairs = load_dataset("ch-mits", root=shared_data / "ch-mits")
    assert len(found) == len(pairs) == 2023
    for pair in pairs:
        assert found[pair.id] == {name: " ".join(said.split()) for name, said in pair.rationales.items()}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("r.csv", "id,text\n1,a\n", "rationales need id and some of positive, neutral, negative, verdict"),
        ("r.csv", "id,positive,r_pos\n2,own,\n", "has two columns for one polarity .positive, r_pos."),
        ("r.csv", "positive\na\n", "rationales need id"),
        ("r.csv", "id,positive\n1,a\n1,b\n", "the id '1' is there twice"),
        ("r.tsv", "id\tpositive\n1\ta\n1\tb\n", "the id '1' is there twice"),
        ("r.xlsx", "x", "use lexicon, or a table"),
        ("lexikon", "", "use lexicon, or a table"),
    ],
)
def test_a_wrong_table_is_one_line(tmp_path: Path, name: str, content: str, expected: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=expected) as error:
        read_rationales(tmp_path / name, CLASSES)
    assert "\n" not in str(error.value)


def test_an_absent_table_is_one_line(tmp_path: Path) -> None:
    for name in ("r.csv", "r.tsv"):
        with pytest.raises(UserError, match="no file"):
            read_rationales(tmp_path / name, CLASSES)


def test_posts_get_their_rationales_and_the_fingerprint_knows(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("id,positive,verdict\na,joy,neutral\nz,other,neutral\n", encoding="utf-8")
    posts = dataset(Pair(id="a", text="x", rationales={"negative": "old"}), Pair(id="b", text="y"))
    given = with_rationales(posts, str(path))
    assert [pair.rationales for pair in given] == [{"positive": "joy"}, {}]
    assert given.problems == ("1 of 2 posts have no rationale: b",)
    assert given.fingerprint != posts.fingerprint
    path.write_text("id,positive\nz,other\n", encoding="utf-8")
    with pytest.raises(UserError, match="no rationale for any post of posts"):
        with_rationales(posts, str(path))


def test_without_a_source_a_data_set_keeps_its_own() -> None:
    posts = dataset(Pair(id="a", text="x", rationales={"negative": "old"}))
    assert with_rationales(posts, None) is posts


def test_the_lexicon_as_a_source() -> None:
    pair = Pair(id="a", text="love")
    (given,) = with_rationales(dataset(pair, classes=("positive", "negative")), LEXICON)
    assert given.rationales == next(lexicon_rationales([pair], ("positive", "negative")))
    (other,) = with_rationales(dataset(pair, classes=("joy", "fear")), LEXICON)
    assert set(other.rationales) == set(CLASSES)
