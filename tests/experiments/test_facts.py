"""What is known of a data set: found once, kept, and found anew when it no longer holds."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sentipair.data import PairDataset, load_dataset
from sentipair.data.traces import Traces
from sentipair.experiments import facts as module
from sentipair.experiments.facts import facts_of, find_facts
from sentipair.experiments.notices import about_facts
from sentipair.features import FeatureStore


@pytest.fixture(scope="module")
def posts(sample_posts: Path, tmp_path_factory: pytest.TempPathFactory) -> PairDataset:
    """The samples; test post 0 has the text, 1 the picture of a training post, 2 the text of a validation post."""
    folder = Path(shutil.copytree(sample_posts, tmp_path_factory.mktemp("facts") / "posts"))
    dataset = load_dataset(folder)
    first, second, third = dataset.splits["test"][:3]
    train, validation = dataset.split("train").pairs, dataset.split("validation").pairs
    changed = {
        first: {"text": train[0].text},
        second: {"image": train[1].image},
        third: {"text": "only there and in validation"},
        validation[0].id: {"text": "only there and in validation"},
        validation[1].id: {"text": train[2].text},
    }
    return replace(dataset, pairs=tuple(replace(pair, **changed.get(pair.id, {})) for pair in dataset))


def test_rows_are_contaminated_by_a_twin_in_train(posts: PairDataset) -> None:
    found = find_facts(posts)
    first, second, third = posts.splits["test"][:3]
    assert {first, second} <= set(found.contaminated["test"])
    assert third not in found.contaminated["test"]
    assert posts.splits["validation"][1] in found.contaminated["validation"]
    assert "train" not in found.contaminated
    assert list(found.controls) == ["majority", "blanks", "length", "marks", "picture", "all"]


def test_facts_are_found_once(posts: PairDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FeatureStore(tmp_path / "features")
    found = facts_of(posts, store)
    (kept,) = (tmp_path / "features" / "facts").iterdir()
    before = kept.read_bytes()
    assert not any(pair.text in before.decode() for pair in posts)
    monkeypatch.setattr(module, "find_facts", None)
    assert facts_of(posts, store) == found
    assert kept.read_bytes() == before


def test_rows_that_an_encoder_was_trained_on_are_contaminated(posts: PairDataset, tmp_path: Path) -> None:
    bare = replace(posts, pairs=tuple(replace(pair, image=None) for pair in posts))
    seen = posts.splits["test"][-1]
    tweets = replace(
        bare, name="tweets", splits={"train": (seen,), "validation": (posts.splits["train"][0],)}
    )
    traces = Traces.of(tweets, {})
    nothing = replace(traces, texts=())  # a later training of the same name
    store = FeatureStore(tmp_path)
    alone, both = facts_of(bare, store), facts_of(bare, store, [traces, nothing])
    assert seen not in alone.contaminated["test"]
    assert both.contaminated["test"] == (*alone.contaminated["test"], seen)
    assert both.encoders == {traces.data: {"validation": (), "test": (posts.splits["test"][0], seen)}}
    assert both.controls == alone.controls
    assert (facts_of(bare, store), facts_of(bare, store, [traces, nothing])) == (alone, both)
    assert about_facts(both)[:2] == [
        f"an encoder was trained on {traces.data}; 2 of the test posts are in there",
        f"{len(alone.contaminated['test']) + 1} test posts are also in train, or in what an encoder was trained on; "
        "scores are given with and without them",
    ]


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", "{}", '{"contaminated": 3, "controls": {}}'])
def test_a_damaged_entry_is_replaced(posts: PairDataset, tmp_path: Path, damage: str) -> None:
    bare = replace(posts, pairs=tuple(replace(pair, image=None) for pair in posts))
    store = FeatureStore(tmp_path)
    found = facts_of(bare, store)
    (kept,) = (tmp_path / "facts").iterdir()
    kept.write_text(damage, encoding="utf-8")
    assert facts_of(bare, store) == found
    assert json.loads(kept.read_text(encoding="utf-8"))["contaminated"] == {
        split: list(ids) for split, ids in found.contaminated.items()
    }


def test_other_texts_or_pictures_are_other_data_and_rationales_are_not(
    posts: PairDataset, tmp_path: Path
) -> None:
    few = replace(posts, pairs=posts.pairs[:6], splits={"train": tuple(p.id for p in posts.pairs[:6])})
    picture = tmp_path / "one.jpg"
    assert few.pairs[0].image is not None
    shutil.copy(few.pairs[0].image, picture)
    pairs = (replace(few.pairs[0], image=picture), *few.pairs[1:])
    few, store = replace(few, pairs=pairs), FeatureStore(tmp_path)
    facts_of(few, store)
    facts_of(replace(few, pairs=(replace(pairs[0], text="another"), *pairs[1:])), store)
    picture.write_bytes(picture.read_bytes() + b"\0")
    facts_of(few, store)
    facts_of(replace(few, pairs=(replace(pairs[0], rationales={"positive": "x"}), *pairs[1:])), store)
    assert len(list((tmp_path / "facts").iterdir())) == 3  # rationales make no other


def test_a_store_that_cannot_be_written_to_is_no_hindrance(posts: PairDataset, tmp_path: Path) -> None:
    (tmp_path / "facts").write_text("a file where the folder should be")
    bare = replace(posts, pairs=tuple(replace(pair, image=None) for pair in posts))
    assert facts_of(bare, FeatureStore(tmp_path)) == find_facts(bare)


def test_published_counts_of_mvsa_single(shared_data: Path) -> None:
    dataset = load_dataset("mvsa-single", root=shared_data / "mvsa-single")
    texts = replace(dataset, pairs=tuple(replace(pair, image=None) for pair in dataset))
    assert len(find_facts(texts).contaminated["test"]) == 27  # by text; with pictures 33, see test_audit
