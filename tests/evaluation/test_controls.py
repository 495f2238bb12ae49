"""The controls find what was planted, find nothing where nothing is, and give the published figures on HFM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sentipair.data import Pair, PairDataset, load_dataset
from sentipair.data.duplicates import read_pictures
from sentipair.evaluation.controls import control_scores, cue_families, telling
from sentipair.evaluation.metrics import evaluate_predictions


def planted(text: dict[str, str], *, size: int = 240, classes: tuple[str, ...] = ("a", "b")) -> PairDataset:
    """Posts whose text is ``text`` of their class; the first 60 % are for training."""
    pairs = tuple(
        Pair(id=str(i), text=text[classes[i % len(classes)]], label=classes[i % len(classes)])
        for i in range(size)
    )
    ids = [pair.id for pair in pairs]
    a, b = int(0.6 * size), int(0.8 * size)
    splits = {"test": tuple(ids[b:]), "validation": tuple(ids[a:b]), "train": tuple(ids[:a])}
    return PairDataset(name="planted", classes=classes, pairs=pairs, splits=splits)


@pytest.mark.parametrize(
    ("texts", "finders"),
    [
        ({"a": "one two", "b": "one  two"}, {"blanks", "length", "all"}),  # one character longer
        ({"a": "aa bb cc dd", "b": "aaaa bb ccc"}, {"length", "all"}),
        ({"a": "#ab", "b": "abc"}, {"marks", "all"}),
        ({"a": "same", "b": "same"}, set()),
    ],
)
def test_a_planted_cue_is_found_by_the_control_that_sees_it(texts: dict[str, str], finders: set[str]) -> None:
    controls = control_scores(planted(texts), {})
    assert list(controls) == ["majority", "blanks", "length", "marks", "all"]
    assert {name for name, scores in controls.items() if scores["test"]["accuracy"] == 1} == finders
    lines = telling(controls)
    assert len(lines) == len(finders)
    assert all("test accuracy 1.000, the majority class 0.500" in line for line in lines)


def test_the_format_of_the_picture_is_seen(tmp_path: Path) -> None:
    for name, quality in (("a", 90), ("b", 40)):
        Image.effect_noise((20, 20), 30).save(tmp_path / f"{name}.jpg", quality=quality)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    pairs = tuple(
        Pair(
            id=str(i),
            image=tmp_path / ("broken.jpg" if i % 10 == 0 else f"{'ab'[i % 2]}.jpg"),
            label="ab"[i % 2],
        )
        for i in range(60)
    )
    splits = {"train": tuple(str(i) for i in range(40)), "test": tuple(str(i) for i in range(40, 60))}
    dataset = PairDataset(name="formats", classes=("a", "b"), pairs=pairs, splits=splits)
    pictures = read_pictures(pairs)
    cues = cue_families(pairs, pictures)["picture"]
    assert np.isnan(cues[0]).all()
    assert cues[1][3] == 40
    controls = control_scores(dataset, pictures)
    assert controls["picture"]["test"]["accuracy"] >= 0.9
    assert list(controls["picture"]) == ["test"]


def test_the_majority_is_that_of_the_split_and_binary_f1_is_for_two_classes() -> None:
    three = planted({"a": "x", "b": "x", "c": "x"}, classes=("a", "b", "c"))
    controls = control_scores(three, {})
    test = three.split("test")
    targets = np.array(test.label_indices())
    found = evaluate_predictions(targets, targets, three.classes)
    assert controls["majority"]["test"] == {
        "accuracy": pytest.approx(found.majority_accuracy),
        "weighted_f1": pytest.approx(found.majority_weighted_f1),
        "macro_f1": pytest.approx(found.majority_macro_f1),
    }
    assert "binary_f1" in control_scores(planted({"a": "x", "b": "y"}), {})["all"]["validation"]


def test_what_cannot_be_trained_or_evaluated_has_no_controls() -> None:
    dataset = planted({"a": "x", "b": "y"})
    one_class = [pair for pair in dataset if pair.label == "a"]
    splits = {"train": tuple(p.id for p in one_class[:20]), "test": tuple(p.id for p in one_class[20:])}
    alone = PairDataset(name="one", classes=("a", "b"), pairs=tuple(one_class), splits=splits)
    bare = PairDataset(name="bare", classes=("a", "b"), pairs=dataset.pairs)
    untested = PairDataset(
        name="untested", classes=("a", "b"), pairs=dataset.pairs, splits={"train": dataset.splits["train"]}
    )
    for each in (alone, bare, untested):
        assert control_scores(each, {}) == {}
    assert telling({}) == []


def test_published_figures_on_hfm_as_released_and_after_our_steps(shared_data: Path) -> None:
    root = shared_data / "hfm"
    released = control_scores(load_dataset("hfm", root=root, text_steps=()), {})
    test = released["blanks"]["test"]
    assert test["accuracy"] == pytest.approx(0.9398, abs=0.003)
    assert test["macro_f1"] == pytest.approx(0.9377, abs=0.003)
    assert test["binary_f1"] == pytest.approx(0.9262, abs=0.003)
    assert released["blanks"]["validation"]["accuracy"] == pytest.approx(0.9614, abs=0.003)
    assert released["majority"]["test"]["accuracy"] == pytest.approx(0.6019, abs=5e-5)
    assert telling(released)[0].startswith("blanks alone gives test accuracy 0.940")
    clean = control_scores(load_dataset("hfm", root=root), {})
    assert clean["blanks"]["test"]["accuracy"] == pytest.approx(0.6019, abs=0.01)
    assert not any(line.startswith("blanks") for line in telling(clean))
