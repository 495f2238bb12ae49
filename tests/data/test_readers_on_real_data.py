"""The readers against the published facts of the real data sets."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from sentipair.data import PairDataset, load_dataset
from sentipair.data.pair import SARCASM, SENTIMENT


def split_sizes(dataset: PairDataset) -> list[int]:
    return [len(ids) for ids in dataset.splits.values()]


def majority_accuracy(dataset: PairDataset, split: str) -> float:
    counts = dataset.split(split).counts()
    return max(counts.values()) / sum(counts.values())


def clmlf_rows(folder: Path, *files: str) -> dict[str, tuple[str, int]]:
    rows = [
        row for file in files for row in json.loads((folder / f"{file}.json").read_text(encoding="utf-8"))
    ]
    return {row["id"]: (row["text"], row["emotion_label"]) for row in rows}


@pytest.fixture(scope="module")
def mvsa_single(shared_data: Path) -> PairDataset:
    return load_dataset("mvsa-single", root=shared_data / "mvsa-single")


@pytest.fixture(scope="module")
def mvsa_multiple(shared_data: Path) -> PairDataset:
    return load_dataset("mvsa-multiple", root=shared_data / "mvsa-multiple")


@pytest.fixture(scope="module")
def hfm(shared_data: Path) -> PairDataset:
    return load_dataset("hfm", root=shared_data / "hfm")


def test_mvsa_single_facts(mvsa_single: PairDataset) -> None:
    assert mvsa_single.counts() == {"positive": 2683, "neutral": 470, "negative": 1358}
    assert split_sizes(mvsa_single) == [3611, 450, 450]
    assert mvsa_single.split("test").counts() == {"positive": 268, "neutral": 47, "negative": 135}
    assert majority_accuracy(mvsa_single, "test") == pytest.approx(0.5956, abs=5e-5)
    assert mvsa_single.problems == (
        "358 of 4,869 posts left out by polarity-wins, text and picture labels clash",
    )
    assert all(pair.image for pair in mvsa_single)
    assert (mvsa_single.variant, mvsa_single.scheme) == ("polarity-wins", "clmlf")


def test_mvsa_single_joint_labels(mvsa_single: PairDataset) -> None:
    joint = Counter((pair.text_label, pair.image_label) for pair in mvsa_single)
    positive, neutral, negative = SENTIMENT
    assert joint == {
        (positive, positive): 1398,
        (neutral, positive): 1030,
        (negative, negative): 724,
        (neutral, neutral): 470,
        (neutral, negative): 421,
        (positive, neutral): 255,
        (negative, neutral): 213,
    }
    test = mvsa_single.split("test")
    assert sum(pair.label == pair.image_label for pair in test) == 405
    assert sum(pair.label == pair.text_label for pair in test) == 305


@pytest.mark.parametrize("name", ["mvsa-single", "mvsa-multiple"])
def test_clmlf_labels_are_reproduced_exactly(
    shared_data: Path, name: str, mvsa_single: PairDataset, mvsa_multiple: PairDataset
) -> None:
    dataset = {"mvsa-single": mvsa_single, "mvsa-multiple": mvsa_multiple}[name]
    published = clmlf_rows(shared_data / name / "splits", "train", "dev", "test")
    assert {pair.id: pair.label for pair in dataset} == {
        i: SENTIMENT[code] for i, (_, code) in published.items()
    }


def test_cheema_labels_are_reproduced_exactly(shared_data: Path, mvsa_single: PairDataset) -> None:
    lines = (shared_data / "mvsa-single/folds-cheema-2021/valid_pairlist.txt").read_text().split()
    rows = [line.split(",") for line in lines]
    codes = ("neutral", "positive", "negative")
    published = {key: [codes[int(code)] for code in labels] for key, *labels in rows}
    assert {p.id: [p.label, p.text_label, p.image_label] for p in mvsa_single} == published


def test_mvsa_single_agree_only(shared_data: Path) -> None:
    dataset = load_dataset("mvsa-single", root=shared_data / "mvsa-single", variant="agree-only")
    assert dataset.counts() == {"positive": 1398, "neutral": 470, "negative": 724}
    assert sum(split_sizes(dataset)) == len(dataset) == 2592
    assert dataset.problems[1].startswith(
        "1,919 of 4,511 ids of the split clmlf have no post in agree-only: "
    )


def test_mvsa_single_texts_are_read_in_the_encoding_of_the_release(
    shared_data: Path, mvsa_single: PairDataset
) -> None:
    copies = clmlf_rows(shared_data / "mvsa-single/splits", "train", "dev", "test")
    garbled = [pair for pair in mvsa_single if " ".join(copies[pair.id][0].split()) != pair.text]
    assert len(garbled) == 1061
    assert sum("…" in pair.text for pair in mvsa_single) > 800
    assert not any("\ufffd" in pair.text or "¡" in pair.text for pair in mvsa_single)


def test_mvsa_multiple_facts(mvsa_multiple: PairDataset) -> None:
    assert mvsa_multiple.counts() == {"positive": 11318, "neutral": 4408, "negative": 1298}
    assert split_sizes(mvsa_multiple) == [13624, 1700, 1700]
    assert majority_accuracy(mvsa_multiple, "test") == pytest.approx(0.6653, abs=5e-5)
    assert all(pair.image is None and pair.text for pair in mvsa_multiple)
    joint = Counter((pair.text_label, pair.image_label) for pair in mvsa_multiple)
    assert (joint["neutral", "positive"], joint["positive", "neutral"]) == (1954, 1779)
    problems = "\n".join(mvsa_multiple.problems)
    for fact in (
        "2 of 17,027 posts left out, released with a damaged picture: 3910, 5995",
        "17,024 of 17,025 texts taken from splits/*.json, looked for in ",
        "1 of 17,025 posts left out, not in the split clmlf: 15324",
        "17,024 of 17,024 pictures absent, looked for in ",
    ):
        assert fact in problems


def test_hfm_facts(shared_data: Path, hfm: PairDataset) -> None:
    assert split_sizes(hfm) == [19816, 2410, 2409]
    assert hfm.split("test").counts() == {"not sarcastic": 1450, "sarcastic": 959}
    assert majority_accuracy(hfm, "test") == pytest.approx(0.6019, abs=5e-5)
    published = clmlf_rows(shared_data / "hfm/splits", "train", "valid", "test")
    assert [(pair.id, pair.label) for pair in hfm] == [
        (i, SARCASM[code]) for i, (_, code) in published.items()
    ]


def test_hfm_substring_variant(shared_data: Path) -> None:
    dataset = load_dataset("hfm", root=shared_data / "hfm", variant="substring")
    assert split_sizes(dataset) == [19557, 2387, 2373]


def test_hfm_as_first_released_is_the_same(shared_data: Path, tmp_path: Path, hfm: PairDataset) -> None:
    (tmp_path / "text").mkdir()
    for name in ("train", "valid2", "test2"):
        (tmp_path / "text" / f"{name}.txt").symlink_to(shared_data / "hfm/splits" / f"{name}.original.txt")
    (tmp_path / "image_attributes.txt").symlink_to(shared_data / "hfm/image_attributes.txt")
    released = load_dataset("hfm", root=tmp_path)
    assert released.pairs == hfm.pairs
    assert released.problems[0].startswith("9,224 of 33,859 posts left out by official")


def test_hfm_gives_nothing_away_by_blanks_and_placeholders(shared_data: Path, hfm: PairDataset) -> None:
    for pair in hfm:
        assert pair.text == " ".join(pair.text.split())
        assert not {"<num>", "<user>", "<url>"} & set(pair.text.split())
        assert "emoji_" not in pair.text
    raw = load_dataset("hfm", root=shared_data / "hfm", text_steps=())
    blanks = [("  " in pair.text, pair.label) for pair in raw.split("train")]
    assert sum(double for double, label in blanks if label == "sarcastic") / 8642 == pytest.approx(
        0.584, abs=5e-4
    )
    assert raw.fingerprint != hfm.fingerprint


def test_ch_mits_facts(shared_data: Path) -> None:
    dataset = load_dataset("ch-mits", root=shared_data / "ch-mits")
    assert dataset.counts() == {"positive": 1023, "negative": 1000}
    assert {pair.id[0]: pair.label for pair in dataset} == {"p": "positive", "n": "negative"}
    assert all(pair.text and set(pair.rationales) == {"positive", "negative"} for pair in dataset)
    assert sum("\n" in pair.rationales["negative"] + pair.rationales["positive"] for pair in dataset) == 111
    assert dataset.problems[0].startswith("2,023 of 2,023 pictures absent, looked for in ")
    assert (dataset.scheme, sum(split_sizes(dataset))) == ("own/seed=0", 2023)


def test_an_own_split_of_real_posts_keeps_duplicate_texts_together(shared_data: Path) -> None:
    dataset = load_dataset("ch-mits", root=shared_data / "ch-mits", seed=5)
    side = {i: split for split, ids in dataset.splits.items() for i in ids}
    sides: dict[str, set[str]] = {}
    for pair in dataset:
        sides.setdefault(pair.text, set()).add(side[pair.id])
    assert len(sides) == 2000  # 23 duplicates
    assert max(map(len, sides.values())) == 1
