"""The readers on small made-up copies, and ``load_dataset`` with every mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from sentipair.data import PairDataset, all_readers, load_dataset
from sentipair.data.readers.hfm import gives_away
from sentipair.data.text import TEXT_STEPS
from sentipair.errors import UserError


def split_sizes(dataset: PairDataset) -> list[int]:
    return [len(ids) for ids in dataset.splits.values()]


@pytest.fixture
def small_mvsa(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    votes = {
        "1": "neutral,positive",
        "2": "positive,negative",
        "5": "negative,negative",
        "7": "positive,neutral",
    }
    lines = ["ID\ttext,image", *(f"{key}\t{vote}" for key, vote in votes.items()), ""]
    (tmp_path / "labelResultAll.txt").write_bytes("\r\n".join(lines).encode())
    for key in ("1", "5"):
        (tmp_path / "data" / f"{key}.txt").write_bytes(f"post {key}… \n".encode("gb18030"))
        Image.new("RGB", (2, 2)).save(tmp_path / "data" / f"{key}.jpg")
    return tmp_path


def test_a_small_copy_of_mvsa(small_mvsa: Path) -> None:
    dataset = load_dataset("mvsa-single", root=small_mvsa, scheme="own")
    assert [(pair.id, pair.label, pair.text) for pair in dataset] == [
        ("1", "positive", "post 1…"),
        ("5", "negative", "post 5…"),
    ]
    data = small_mvsa / "data"
    assert dataset.problems == (
        "1 of 4 posts left out by polarity-wins, text and picture labels clash",
        f"1 of 3 texts absent, looked for in {data}",
        f"1 of 3 pictures absent, looked for in {data}: 7.jpg",
        "1 of 3 posts left out, without picture and text: 7",
    )


def test_a_label_file_without_its_header_loses_no_post(small_mvsa: Path) -> None:
    labels = small_mvsa / "labelResultAll.txt"
    labels.write_text(labels.read_text().partition("\n")[2])
    assert [pair.id for pair in load_dataset("mvsa-single", root=small_mvsa, scheme="own")] == ["1", "5"]


def test_a_copy_that_lacks_most_of_a_published_split(small_mvsa: Path) -> None:
    dataset = load_dataset("mvsa-single", root=small_mvsa)
    assert sum(split_sizes(dataset)) == 2
    assert "4,509 of 4,511 ids of the split clmlf have no post in polarity-wins: " in "\n".join(
        dataset.problems
    )


@pytest.mark.parametrize("line", ["9\tpositive", "9\tpositive,happy", "9", "9\tpositive,neutral\tx"])
def test_a_broken_label_line_is_named(small_mvsa: Path, line: str) -> None:
    with (small_mvsa / "labelResultAll.txt").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(UserError, match=r"labelResultAll\.txt, line 6: expected an id and then labels"):
        load_dataset("mvsa-single", root=small_mvsa)


def test_three_annotators_without_a_majority(tmp_path: Path) -> None:
    rows = [
        "2499\tpositive,positive\tneutral,neutral\tpositive,positive",
        "2500\tpositive,positive\tneutral,positive\tnegative,positive",
    ]
    (tmp_path / "labelResultAll.txt").write_text("\n".join(["ID\ttext,image", *rows]))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "2499.txt").write_text("hello")
    dataset = load_dataset("mvsa-multiple", root=tmp_path, scheme="own")
    assert [(pair.id, pair.text, pair.label) for pair in dataset] == [("2499", "hello", "positive")]
    assert dataset.problems[0] == "1 of 2 posts left out, no majority among the annotators"


def test_every_annotator_keeps_a_vote_by_the_rule_that_makes_the_label(
    tmp_path: Path, small_mvsa: Path
) -> None:
    root = tmp_path / "three"
    row = "7\tpositive,neutral\tneutral,neutral\tpositive,negative"
    (root / "data").mkdir(parents=True)
    (root / "labelResultAll.txt").write_text(f"ID\ttext,image\n{row}\n")
    (root / "data" / "7.txt").write_text("hello")
    votes = {
        "polarity-wins": ("positive", "neutral", None),
        "agree-only": None,  # the label of the text is positive, that of the picture neutral
        "text-label": ("positive", "neutral", "positive"),
        "image-label": ("neutral", "neutral", "negative"),
    }
    for variant, expected in votes.items():
        dataset = load_dataset("mvsa-multiple", root=root, variant=variant, scheme="own")
        assert [pair.votes for pair in dataset] == ([] if expected is None else [expected])
    assert {pair.votes for pair in load_dataset("mvsa-single", root=small_mvsa)} == {()}


def test_memotion_merges_five_levels(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    levels = ("very_positive", "positive", "neutral", "negative", "very_negative")
    header = ",image_name,text_ocr,text_corrected,humour,sarcasm,offensive,motivational,overall_sentiment\n"
    rows = [f'{n},image_{n}.jpg,"OCR, {n}","text {n}",a,b,c,d,{level}\n' for n, level in enumerate(levels)]
    rows += ['5,image_5.png,only ocr," ",a,b,c,d,neutral\n', "6,image_6.png,,,a,b,c,d,neutral\n"]
    (tmp_path / "labels.csv").write_text(header + "".join(rows))
    Image.new("RGB", (2, 2)).save(tmp_path / "images" / "image_6.png")
    dataset = load_dataset("memotion", root=tmp_path)
    assert dataset.counts() == {"positive": 2, "neutral": 3, "negative": 2}
    assert [dataset[n].text for n in (0, 5, 6)] == ["text 0", "only ocr", ""]
    assert (dataset[6].id, dataset[6].image) == ("image_6", tmp_path / "images" / "image_6.png")
    assert (dataset.variant, dataset.scheme) == ("three-class", "own/seed=0")
    with (tmp_path / "labels.csv").open("a") as file:
        file.write("7,image_7.png,x,x,a,b,c,d,happy\n")
    with pytest.raises(UserError, match=r"labels\.csv, row 8: 'happy' is none of very_positive"):
        load_dataset("memotion", root=tmp_path)
    (tmp_path / "labels.csv").write_text(header + "0, ,x,x,a,b,c,d,neutral\n")
    with pytest.raises(UserError, match=r"labels\.csv, row 1 names no picture; restore the file"):
        load_dataset("memotion", root=tmp_path)
    (tmp_path / "labels.csv").write_text("image_name,text_ocr\n")
    with pytest.raises(UserError, match=r"labels\.csv has no column text_corrected, overall_sentiment"):
        load_dataset("memotion", root=tmp_path)


def test_ch_mits_records_hold_line_breaks_and_quotation_marks(tmp_path: Path) -> None:
    picture = tmp_path / "n" / "n3" / "th.jpg"
    picture.parent.mkdir(parents=True)
    Image.new("RGB", (2, 2)).save(picture)
    table = tmp_path / "llm_rationales.tsv"
    table.write_text(
        '1\tp/p0/a.jpg\t好\t"fine\nand ""so"" on"\t"bad\nend"\n0\tD:\\x y\\n\\n3\\th.jpg\t坏\ta\tb\n', "utf-8"
    )
    first, second = load_dataset("ch-mits", root=tmp_path)
    assert (first.id, first.label, first.text) == ("p0", "positive", "好")
    assert first.rationales == {"positive": 'fine\nand "so" on', "negative": "bad\nend"}
    assert (second.id, second.label, second.image) == ("n3", "negative", picture)
    good = "1\tp/p0/a.jpg\ta\tb\tc\n"
    for damage in ("1\tp/p1/a.jpg\tonly three\n", "2\tp/p1/a.jpg\ta\tb\tc\n", "1\tp/p1/a.jpg\ta\tb\tc\td\n"):
        table.write_text(good + damage)
        with pytest.raises(UserError, match="record 2: expected label, picture, text and two rationales"):
            load_dataset("ch-mits", root=tmp_path)
    table.write_text("")
    with pytest.raises(UserError, match="is empty; restore the file"):
        load_dataset("ch-mits", root=tmp_path)
    (tmp_path / "chmits_llm_result.tsv").write_text(good)  # as published
    assert [pair.id for pair in load_dataset("ch-mits", root=tmp_path)] == ["p0"]


def test_ch_mits_as_published(shared_data: Path) -> None:
    pairs = load_dataset("ch-mits", root=shared_data / "ch-mits")
    rationales = [said for pair in pairs for said in pair.rationales.values()]
    assert not [said for said in rationales if '""' in said]  # quotation marks of the file, not of the text
    assert sum("\n" in said for said in rationales) == 112


def test_hfm_pictures_and_broken_files(tmp_path: Path) -> None:
    (tmp_path / "splits").mkdir()
    (tmp_path / "images").mkdir()
    row = {"id": "11", "text": "a  b <num> ", "emotion_label": 1}
    for name in ("train", "valid", "test"):
        rows = [row | {"id": f"1{name}"}] if name != "train" else [row]
        (tmp_path / "splits" / f"{name}.json").write_text(json.dumps(rows))
    Image.new("RGB", (2, 2)).save(tmp_path / "images" / "11.jpg")
    dataset = load_dataset("hfm", root=tmp_path, scheme="own")
    assert (dataset[0].text, dataset[0].image) == ("a b number", tmp_path / "images" / "11.jpg")
    for damage in ({"emotion_label": 2}, {"emotion_label": -1}):
        (tmp_path / "splits" / "test.json").write_text(json.dumps([row | {"id": "3"} | damage]))
        with pytest.raises(UserError, match=r"hfm: post 3 has the label .*, expected 0 or 1"):
            load_dataset("hfm", root=tmp_path)
    (tmp_path / "splits" / "test.json").write_text(json.dumps([row | {"text": None}]))
    with pytest.raises(UserError, match=r"test\.json is damaged .*; fetch it again"):
        load_dataset("hfm", root=tmp_path)
    cut = json.dumps([row | {"id": "3", "text": "cut \ud83d"}])
    (tmp_path / "splits" / "test.json").write_text(cut, encoding="utf-8-sig")
    assert load_dataset("hfm", root=tmp_path, scheme="own")[2].text == "cut \ufffd"
    (tmp_path / "splits" / "test.json").write_text('[{"id": "1"}]')
    with pytest.raises(UserError, match=r"test\.json is damaged .*; fetch it again"):
        load_dataset("hfm", root=tmp_path)
    (tmp_path / "splits" / "test.json").unlink()
    with pytest.raises(
        UserError, match=r"hfm: the test part is missing in .* looked for splits/test\.json, "
    ):
        load_dataset("hfm", root=tmp_path)
    (tmp_path / "splits" / "test2.original.txt").write_text("['1', 'ok', 1, 0]\n['2', __import__('os'), 1]\n")
    with pytest.raises(UserError, match=r"test2\.original\.txt, line 2 is no list"):
        load_dataset("hfm", root=tmp_path)


def test_hfm_attributes(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    for name in ("train", "valid2", "test2"):
        (tmp_path / "text" / f"{name}.txt").write_text(f"['{name}', 'so good', 1]\n")
    (tmp_path / "image_attributes.txt").write_text("['train', 'cat', 'sofa']\n\n['nobody', 'dog']\n")
    dataset = load_dataset("hfm", root=tmp_path, scheme="own")
    assert [pair.attributes for pair in dataset] == [("cat", "sofa"), (), ()]
    (tmp_path / "extract").mkdir()
    (tmp_path / "image_attributes.txt").rename(tmp_path / "extract" / "extract_all")  # the authors' layout
    assert load_dataset("hfm", root=tmp_path, scheme="own")[0].attributes == ("cat", "sofa")
    (tmp_path / "image_attributes.txt").write_text("train cat sofa\n")
    with pytest.raises(UserError, match=r"image_attributes.txt, line 1 is no list of id and words; fetch"):
        load_dataset("hfm", root=tmp_path, scheme="own")


@pytest.mark.parametrize(
    ("text", "official", "substring"),
    [
        ("such irony", True, True),
        ("ironically # ironyalert", False, True),
        ("a joke.", False, True),
        ("see <url>", True, True),
        ("quite sincere", False, False),
    ],
)
def test_hfm_drop_rules(text: str, official: bool, substring: bool) -> None:
    assert gives_away(text, variant="official") is official
    assert gives_away(text, variant="substring") is substring


def test_the_root_comes_from_the_environment(small_mvsa: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIPAIR_DATA", str(small_mvsa.parent))
    small_mvsa.rename(small_mvsa.parent / "mvsa-single")
    assert len(load_dataset("mvsa-single", scheme="own")) == 2


def test_a_wrong_root_says_where_and_what_and_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENTIPAIR_DATA", raising=False)
    with pytest.raises(UserError, match=r"no folder given; use --root DIR, or set SENTIPAIR_DATA"):
        load_dataset("mvsa-single")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        load_dataset("mvsa-single", root=Path("nowhere"))
    message = str(caught.value)
    assert (
        f"expected labelResultAll.txt, data/<id>.jpg and data/<id>.txt in {tmp_path / 'nowhere'}" in message
    )
    assert "that folder does not exist; give the right folder with --root DIR (from https://" in message
    with pytest.raises(UserError, match="but found nothing of it"):
        load_dataset("hfm", root=tmp_path)


def test_unknown_names_are_answered_with_known_ones(small_mvsa: Path) -> None:
    with pytest.raises(UserError, match="is called mvsa-singel; did you mean mvsa-single"):
        load_dataset("mvsa-singel")
    with pytest.raises(
        UserError, match="is called zzz; known data sets: ch-mits, hfm, memotion, mvsa-multiple"
    ):
        load_dataset("zzz")
    with pytest.raises(UserError, match="no variant 'agree'; choose from polarity-wins, agree-only"):
        load_dataset("mvsa-single", root=small_mvsa, variant="agree")
    with pytest.raises(UserError, match="no split scheme 'clmfl'; choose from clmlf, cheema-2021/1, "):
        load_dataset("mvsa-single", root=small_mvsa, scheme="clmfl")
    with pytest.raises(UserError, match="no text step 'lower'"):
        load_dataset("mvsa-single", root=small_mvsa, text_steps=("lower",))


def test_a_table_goes_the_same_way(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_text("text,label,split\n" + "".join(f" a  {n} ,{n % 2},train\n" for n in range(20)))
    dataset = load_dataset(path)
    assert (dataset[0].text, dataset.text_steps, dataset.scheme) == ("a 0", ("collapse-blanks",), "as-given")
    assert load_dataset(str(path), text_steps=())[0].text == " a  0 "
    own = load_dataset(path, scheme="own", seed=3)
    assert (own.scheme, split_sizes(own)) == ("own/seed=3", [16, 2, 2])
    with pytest.raises(
        UserError,
        match=r"posts\.csv is a table, which can be split by own or folds-K/k; root, variant and published",
    ):
        load_dataset(path, scheme="clmlf")


def test_every_reader_tells_all_about_itself() -> None:
    assert list(all_readers()) == ["ch-mits", "hfm", "memotion", "mvsa-multiple", "mvsa-single"]
    for name, reader in all_readers().items():
        assert reader.name == name
        assert len(reader.classes) > 1
        assert all(
            (reader.title, reader.citation, reader.source, reader.layout, reader.needs, reader.variants)
        )
        assert set(reader.text_steps) <= set(TEXT_STEPS)
        assert reader.schemes[-1] == "own"


def test_importing_the_data_room_is_light() -> None:
    heavy = "{'torch', 'transformers', 'sklearn'} & set(sys.modules)"
    code = f"import sys, sentipair.data; sys.exit(str({heavy}) if {heavy} else 0)"
    subprocess.run([sys.executable, "-c", code], check=True)
