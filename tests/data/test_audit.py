"""The audit on a data set whose every flaw was put there by hand, and on the real MVSA-Single."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from sklearn.metrics import f1_score

from sentipair.data import load_dataset
from sentipair.data.audit import AuditReport, audit, render
from sentipair.data.audit.agreement import agreement, krippendorff_alpha
from sentipair.data.audit.balance import expected_runs, split_balance
from sentipair.data.pair import Pair, PairDataset
from sentipair.data.samples.scene import draw_picture


@pytest.fixture
def flawed(tmp_path: Path) -> PairDataset:
    for name, seed, quality in (("a", 0, 95), ("a2", 0, 60), ("b", 1, 90), ("c", 2, 90), ("d", 3, 90)):
        draw_picture("positive", np.random.default_rng(seed)).save(tmp_path / f"{name}.jpg", quality=quality)
    (tmp_path / "b2.jpg").write_bytes((tmp_path / "b.jpg").read_bytes())
    (tmp_path / "broken.jpg").write_bytes((tmp_path / "c.jpg").read_bytes()[:1500])
    Image.new("RGB", (40, 40), "navy").save(tmp_path / "plain.jpg")

    def pair(key: str, text: str, image: str | None, label: str | None) -> Pair:
        return Pair(id=key, text=text, image=tmp_path / f"{image}.jpg" if image else None, label=label)

    pairs = (
        pair("1", "hello", "a", "positive"),
        pair("2", "good day", "b", "positive"),
        pair("3", "rain", None, "negative"),
        pair("4", " ", "plain", "negative"),
        pair("5", "hello", "broken", "negative"),  # text of 1, within train, conflicting
        pair("6", "news", "a2", "negative"),  # picture of 1, re-encoded, conflicting
        pair("7", "rain", "c", "negative"),  # text of 3
        pair("8", "Rain http://t.co/1", "b2", "positive"),  # picture of 2, identical; text of 3 without URL
        pair("9", "fresh", "d", "neutral"),
        pair("10", "nothing else", None, None),
    )
    splits = {"test": ("6", "7", "8", "9", "10"), "train": ("1", "2", "3", "4", "5")}
    classes = ("positive", "neutral", "negative")
    return PairDataset(
        name="flawed", classes=classes, pairs=pairs, splits=splits, problems=("2 rows left out",)
    )


def printed(report: AuditReport) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(render(report))
    return capture.get()


def test_every_flaw_is_found(flawed: PairDataset) -> None:
    report = audit(flawed)
    assert (report.pairs, report.pictures) == (10, 7)
    assert report.missing == ("3", "10")
    assert list(report.unreadable) == ["5"]
    assert report.unreadable["5"].startswith("damaged")
    assert report.plain == ("4",)
    assert report.empty_texts == ("4",)
    exact, without_urls, _, identical, similar = report.duplicates
    assert set(exact.groups) == {("1", "5"), ("3", "7")}
    assert exact.conflicting == (("1", "5"),)
    assert exact.extra == {"train": 1, "test": 0}
    assert exact.across == {("test", "train"): 1}
    assert ("3", "7", "8") in without_urls.groups
    assert identical.groups == (("2", "8"),)
    assert set(similar.groups) == {("1", "6"), ("2", "8")}
    assert similar.conflicting == (("1", "6"),)
    assert list(report.contamination) == ["test"]
    found = report.contamination["test"]
    assert found.by_picture == ("6", "8")
    assert found.by_text == ("7",)
    assert set(found.rows) == {"6", "7", "8"}
    assert found.clean == ("9", "10")


def test_the_report_is_json_and_text(flawed: PairDataset) -> None:
    report = audit(flawed)
    values = json.loads(json.dumps(report.to_dict()))
    assert values["contamination"]["test"]["rows"] == ["6", "8", "7"]
    assert values["duplicates"][0]["across"] == {"test with a twin in train": 1}
    assert values["splits"][0]["label_sorted"] is False
    text = printed(report)
    assert "5 (damaged" in text
    assert "! 2 rows left out" in text
    assert "…" not in text  # rich cuts what does not fit into 80 columns


def test_without_pictures_splits_or_labels() -> None:
    pairs = tuple(Pair(id=str(i), text="same" if i < 2 else f"text {i}") for i in range(5))
    report = audit(PairDataset(name="bare", classes=(), pairs=pairs))
    assert report.contamination == {}
    assert [(split.name, split.size, split.unlabelled, split.majority) for split in report.splits] == [
        ("all", 5, 5, None)
    ]
    assert report.duplicates[0].groups == (("0", "1"),)
    assert "similar" not in printed(report)  # no pictures, no figures about them
    assert audit(PairDataset(name="empty", classes=(), pairs=())).pairs == 0


def test_majority_baseline_agrees_with_scikit_learn() -> None:
    labels = ["b"] * 7 + ["a"] * 2 + ["c"] * 3
    pairs = [Pair(id=str(i), label=label) for i, label in enumerate(labels)]
    balance = split_balance("test", [*pairs, Pair(id="none")], ("a", "b", "c"))
    assert (balance.majority, balance.size, balance.unlabelled) == ("b", 13, 1)
    assert balance.accuracy == pytest.approx(7 / 12)
    weighted = f1_score(labels, ["b"] * 12, average="weighted", zero_division=0)
    assert balance.weighted_f1 == pytest.approx(weighted)


@pytest.mark.parametrize("counts", [(2, 2), (3, 1, 2), (4, 0), (1,)])
def test_expected_runs_is_the_mean_over_all_orders(counts: tuple[int, ...]) -> None:
    items = [label for label, count in enumerate(counts) for _ in range(count)]
    runs = [sum(1 for _ in itertools.groupby(order)) for order in itertools.permutations(items)]
    assert expected_runs(counts) == pytest.approx(sum(runs) / len(runs))


def test_sorted_labels_are_noticed_and_shuffled_ones_are_not() -> None:
    def order(labels: str) -> bool:
        return split_balance(
            "s", [Pair(id=str(i), label=c) for i, c in enumerate(labels)], ("a", "b")
        ).label_sorted

    assert order("a" * 20 + "b" * 20)
    assert not order("ab" * 20)
    assert not order("aabbabbaab" * 4)
    assert not order("aabb")  # too short to tell
    assert not order("a" * 40)  # one class has no order


def test_krippendorffs_own_example() -> None:
    """ "Computing Krippendorff's Alpha-Reliability" (2011), part C: four observers, twelve units, gaps, α = .743."""
    observers = ("1233214 12   ", "1233224 125 3", " 333234 2251 ", "1233244 1251 ")
    units = [[mark for mark in marks if mark != " "] for marks in zip(*observers, strict=True)]
    assert krippendorff_alpha([unit for unit in units if len(unit) > 1]) == pytest.approx(0.743, abs=5e-4)


def test_alpha_at_its_ends() -> None:
    assert krippendorff_alpha([["a", "a"], ["b", "b", "b"]]) == 1
    assert krippendorff_alpha([["a", "a"], ["a", "a"]]) == 1  # nothing else was ever said
    random = np.random.default_rng(0).choice(["a", "b", "c"], (20_000, 3), p=[0.6, 0.3, 0.1]).tolist()
    assert krippendorff_alpha(random) == pytest.approx(0, abs=0.01)
    assert krippendorff_alpha([["a", "b"]] * 50) < -0.9


def test_agreement_counts_votes_against_each_other_and_against_the_label() -> None:
    pairs = [
        Pair(id="1", label="positive", votes=("positive", "positive", "neutral")),
        Pair(id="2", label="negative", votes=("negative", None, "negative")),
        Pair(id="3", label=None, votes=("positive", "neutral", "negative")),
        Pair(id="4", label="neutral", votes=("neutral", None, None)),
        Pair(id="5", label="neutral"),
        Pair(id="6", label="negative", votes=("negative", "negative", "negative")),
    ]
    found = agreement(pairs)
    assert found is not None
    assert found.posts == 4
    assert found.pairwise == 5 / 10  # one of three, one of one, none of three, three of three
    # post 1: only neutral faces two that agree, and is alone; post 2 has no two others; post 6 three times
    assert found.with_others == 3 / 4
    assert found.with_label == 7 / 8
    assert agreement(pairs[3:5]) is None
    unlabelled = agreement([pairs[2]])
    assert unlabelled is not None
    assert (unlabelled.with_others, unlabelled.with_label) == (None, None)


def test_the_report_shows_the_annotators_where_there_are_several(flawed: PairDataset) -> None:
    assert audit(flawed).agreement == {}
    assert "Annotators" not in printed(audit(flawed))
    pairs = tuple(
        replace(pair, votes=("positive", "positive", pair.label or "neutral")) for pair in flawed.pairs
    )
    report = audit(replace(flawed, pairs=pairs))
    assert set(report.agreement) == {"train", "test"}
    assert json.loads(json.dumps(report.to_dict()))["agreement"]["train"]["posts"] == 5
    assert "Krippendorff" in printed(report)


def test_annotators_of_mvsa_multiple(shared_data: Path) -> None:
    """Against the released file read by other means, α from a coincidence matrix."""
    root = shared_data / "mvsa-multiple"
    dataset = load_dataset("mvsa-multiple", root=root)
    rows = [line.split() for line in (root / "labelResultAll.txt").read_text().splitlines()[1:]]
    signs = {"positive": 1, "neutral": 0, "negative": -1}
    cells = {row[0]: [[signs[word] for word in cell.split(",")] for cell in row[1:]] for row in rows}
    votes = np.array([cells[pair.id] for pair in dataset])  # (N, 3, 2)
    fused = np.sign(votes.sum(2)).astype(float)
    fused[votes.prod(2) < 0] = np.nan  # one positive, one negative
    a, b = np.concatenate([fused[:, pair] for pair in ([0, 1], [0, 2], [1, 2])]).T
    known = ~np.isnan(a + b)
    given = (~np.isnan(fused)).sum(1)
    coincidences = np.zeros((3, 3))
    for post in fused[given > 1]:
        marks = post[~np.isnan(post)].astype(int) + 1
        for first, second in itertools.permutations(marks, 2):
            coincidences[first, second] += 1 / (len(marks) - 1)
    marginals, total = coincidences.sum(0), coincidences.sum()
    chance = (marginals**2).sum() - total
    alpha = 1 - (total - coincidences.trace()) * (total - 1) / (total**2 - total - chance)
    found = agreement(dataset.pairs)
    assert found is not None
    assert found.posts == (given > 1).sum()
    assert found.pairwise == pytest.approx((a == b)[known].mean())
    assert found.alpha == pytest.approx(alpha)
    assert 0.6 < found.pairwise < 0.65
    assert 0.25 < found.alpha < 0.3


def test_published_facts_of_mvsa_single(shared_data: Path) -> None:
    report = audit(load_dataset("mvsa-single", root=shared_data / "mvsa-single"))
    assert (report.pairs, report.pictures, report.variant, report.scheme) == (
        4511,
        4511,
        "polarity-wins",
        "clmlf",
    )
    assert not report.missing
    assert not report.unreadable
    exact, without_urls, _, identical, similar = report.duplicates
    assert (len(exact.groups), len(exact.conflicting), exact.extra["train"]) == (154, 42, 121)
    assert without_urls.across["test", "train"] == 35
    assert (len(identical.groups), sum(map(len, identical.groups)), len(identical.conflicting)) == (40, 82, 7)
    assert (len(similar.groups), sum(map(len, similar.groups))) == (172, 348)
    assert similar.across == {("validation", "train"): 27, ("test", "train"): 30, ("test", "validation"): 6}
    found = report.contamination["test"]
    assert (len(found.by_picture), len(found.by_text), len(found.rows), len(found.clean)) == (30, 27, 33, 417)
    assert len(report.contamination["validation"].by_text) == 32
    assert len(report.contamination["validation"].by_picture) == 27
    train, validation, test = report.splits
    assert [round(split.accuracy, 4) for split in report.splits] == [0.5946, 0.5956, 0.5956]
    assert (round(test.weighted_f1, 4), test.runs) == (0.4446, 3)
    assert train.label_sorted
    assert validation.label_sorted
    assert test.label_sorted
