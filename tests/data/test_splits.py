"""Published splits against the published files, and the promises of own splits."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from sentipair.data import splits
from sentipair.data.pair import SPLITS, Pair
from sentipair.data.splits import (
    is_made_here,
    make_split,
    own_folds,
    own_split,
    published_schemes,
    published_split,
)
from sentipair.errors import UserError

FOLDS = tuple(f"cheema-2021/{k}" for k in range(1, 11))


def posts(**sizes: int) -> list[Pair]:
    return [
        Pair(id=f"{label}{n}", text=f"{label} {n}", label=label)
        for label, size in sizes.items()
        for n in range(size)
    ]


def sizes(split_ids: dict[str, tuple[str, ...]]) -> tuple[int, ...]:
    return tuple(len(split_ids[name]) for name in SPLITS)


@pytest.mark.parametrize(
    ("name", "files", "expected"),
    [
        ("mvsa-single", ("train", "dev", "test"), (3611, 450, 450)),
        ("mvsa-multiple", ("train", "dev", "test"), (13624, 1700, 1700)),
        ("hfm", ("train", "valid", "test"), (19816, 2410, 2409)),
    ],
)
def test_clmlf_is_what_its_files_hold_in_their_order(
    shared_data: Path, name: str, files: tuple[str, ...], expected: tuple[int, ...]
) -> None:
    shipped = published_split(name, "clmlf")
    assert sizes(dict(shipped)) == expected
    for split, file in zip(SPLITS, files, strict=True):
        rows = json.loads((shared_data / name / "splits" / f"{file}.json").read_text(encoding="utf-8"))
        assert shipped[split] == tuple(row["id"] for row in rows)


@pytest.mark.parametrize("name", ["mvsa-single", "mvsa-multiple"])
def test_cheema_folds_are_what_their_files_hold(shared_data: Path, name: str) -> None:
    folder = shared_data / name / "folds-cheema-2021"
    ids = [line.split(",")[0] for line in (folder / "valid_pairlist.txt").read_text().split()]
    for k, scheme in enumerate(FOLDS, start=1):
        shipped = published_split(name, scheme)
        for split, file in zip(SPLITS, ("train", "val", "test"), strict=True):
            positions = (folder / f"{file}_{k}.txt").read_text().split()
            assert set(shipped[split]) == {ids[int(position)] for position in positions}


@pytest.mark.parametrize(("name", "total"), [("mvsa-single", 4511), ("mvsa-multiple", 17025)])
def test_cheema_tests_every_id_once_and_wastes_none(name: str, total: int) -> None:
    folds = [published_split(name, scheme) for scheme in FOLDS]
    tested = Counter(i for fold in folds for i in fold["test"])
    assert (len(tested), set(tested.values())) == (total, {1})
    for fold in folds:
        assert Counter(i for ids in fold.values() for i in ids) == Counter(tested)


def test_schemes_are_listed_with_the_default_first() -> None:
    assert published_schemes("mvsa-single") == ("clmlf", *FOLDS)
    assert published_schemes("hfm") == ("clmlf",)
    assert published_schemes("memotion") == ()


def test_an_unknown_scheme_names_those_there_are() -> None:
    with pytest.raises(
        UserError, match=r"hfm has no split scheme 'cheema'; choose from clmlf, own, folds-K/k$"
    ):
        published_split("hfm", "cheema")


def test_a_changed_list_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    schemes = splits._published("mvsa-single")
    first, second, rest = schemes["clmlf"]["test"].split(" ", 2)
    schemes["clmlf"]["test"] = f"{second} {first} {rest}"
    monkeypatch.setattr(splits, "_published", lambda name: schemes)
    with pytest.raises(UserError, match="clmlf of mvsa-single is damaged; reinstall sentipair"):
        published_split("mvsa-single", "clmlf")


@pytest.mark.parametrize("seed", range(5))
def test_every_class_keeps_the_fractions_up_to_rounding(seed: int) -> None:
    pairs = posts(a=537, b=94, c=271)
    found = own_split(pairs, seed=seed)
    assert sorted(i for ids in found.values() for i in ids) == sorted(pair.id for pair in pairs)
    for label, size in (("a", 537), ("b", 94), ("c", 271)):
        for split, fraction in zip(SPLITS, (0.8, 0.1, 0.1), strict=True):
            assert abs(sum(i[0] == label for i in found[split]) - fraction * size) <= 2


def test_the_seed_decides_and_the_order_of_the_rows_does_not() -> None:
    pairs = posts(a=60, b=40)
    shuffled = random.Random(0).sample(pairs, len(pairs))
    assert own_split(shuffled, seed=3) == own_split(pairs, seed=3)
    assert own_split(pairs, seed=4) != own_split(pairs, seed=3)


def test_duplicates_never_cross_also_with_conflicting_labels() -> None:
    rng = random.Random(1)
    pairs = [
        Pair(id=str(n), text=f"text {rng.randrange(120)} http://t.co/{n}", label=rng.choice("abc"))
        for n in range(300)
    ]
    found = own_split(pairs, seed=0)
    side = {i: split for split, ids in found.items() for i in ids}
    by_text: dict[str, set[str]] = {}
    for pair in pairs:
        by_text.setdefault(pair.text.split(" http")[0], set()).add(side[pair.id])
    assert max(map(len, by_text.values())) == 1
    assert all(
        abs(len(found[split]) - share) <= 6 for split, share in zip(SPLITS, (240, 30, 30), strict=True)
    )


def test_groups_come_from_duplicate_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "_duplicate_groups", lambda posts: [int(key[1:]) // 5 for key, *_ in posts])
    found = own_split(posts(a=100), seed=0)
    assert sizes(dict(found)) == (80, 10, 10)
    for ids in found.values():
        assert all(count == 5 for count in Counter(int(i[1:]) // 5 for i in ids).values())


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], (0, 0, 0)),
        (posts(a=1), (1, 0, 0)),
        (posts(a=1, b=1, c=1), (3, 0, 0)),
        (posts(a=4, b=3, c=3), (8, 1, 1)),
        (posts(a=5, b=5), (8, 1, 1)),
    ],
)
def test_tiny_sets(pairs: list[Pair], expected: tuple[int, ...]) -> None:
    assert sizes(dict(own_split(pairs, seed=0))) == expected


@pytest.mark.parametrize("seed", range(10))
def test_every_class_is_in_train(seed: int) -> None:
    pairs = posts(a=50, b=1, c=2, d=1)
    assert {i[0] for i in own_split(pairs, seed=seed)["train"]} == set("abcd")


def test_pairs_without_a_label_belong_to_no_split() -> None:
    found = own_split([*posts(a=10), Pair(id="none", text="none")], seed=0)
    assert "none" not in {i for ids in found.values() for i in ids}


@pytest.mark.parametrize("fractions", [(0.8, 0.1, 0.2), (1.2, -0.1, -0.1)])
def test_impossible_fractions_are_refused(fractions: tuple[float, float, float]) -> None:
    with pytest.raises(UserError, match="must not be negative and add up to 1"):
        own_split(posts(a=3), seed=0, fractions=fractions)


@pytest.mark.parametrize("count", [3, 5, 10])
def test_folds_hold_every_labelled_post_once_and_every_class_alike(count: int) -> None:
    pairs = [*posts(a=233, b=47, c=120), Pair(id="none", text="none")]
    folds = own_folds(pairs, count=count, seed=0)
    assert sorted(i for fold in folds for i in fold) == sorted(pair.id for pair in pairs if pair.label)
    for label, size in (("a", 233), ("b", 47), ("c", 120)):
        assert {sum(i[0] == label for i in fold) for fold in folds} <= {size // count, size // count + 1}


def test_duplicates_never_cross_folds() -> None:
    rng = random.Random(2)
    pairs = [Pair(id=str(n), text=f"text {rng.randrange(60)}", label=rng.choice("ab")) for n in range(300)]
    folds = own_folds(pairs, count=5, seed=0)
    texts = [{pair.text for pair in pairs if pair.id in fold} for fold in folds]
    assert sum(map(len, texts)) == len(set.union(*texts))
    assert max(map(len, folds)) - min(map(len, folds)) <= 2


def test_a_group_larger_than_a_fold_leaves_no_fold_empty() -> None:
    same = [Pair(id=f"x{n}", text="always the same", label="a") for n in range(50)]
    folds = own_folds([*same, *posts(a=2, b=2)], count=5, seed=0)
    assert sorted(map(len, folds)) == [1, 1, 1, 1, 50]


def test_the_seed_decides_the_folds_and_the_order_of_the_rows_does_not() -> None:
    pairs = posts(a=60, b=40)
    shuffled = random.Random(0).sample(pairs, len(pairs))
    assert own_folds(shuffled, count=4, seed=3) == own_folds(pairs, count=4, seed=3)
    assert own_folds(pairs, count=4, seed=4) != own_folds(pairs, count=4, seed=3)


def test_each_fold_is_once_the_test_and_once_the_validation() -> None:
    pairs = posts(a=30, b=20)
    made = [make_split(pairs, f"folds-5/{k}", seed=1) for k in range(1, 6)]
    folds = own_folds(pairs, count=5, seed=1)
    assert tuple(split["test"] for split in made) == folds
    assert tuple(split["validation"] for split in made) == (*folds[1:], folds[0])
    for split in made:
        assert sorted(i for ids in split.values() for i in ids) == sorted(pair.id for pair in pairs)


def test_schemes_that_split_the_data_at_hand() -> None:
    assert is_made_here("own")
    assert is_made_here("folds-10/3")
    assert not any(map(is_made_here, ("clmlf", "cheema-2021/1", "folds-5", "folds-5/x", "folds-5/1/2")))
    assert make_split(posts(a=20), "own", seed=2) == own_split(posts(a=20), seed=2)


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("folds-2/1", "2 folds are too few for train, validation and test; use 3 or more"),
        ("folds-9/1", "8 posts without duplicates are too few for 9 folds; use fewer folds"),
        ("folds-5/0", r"there is no fold 0 of 5; use folds-5/1 … 5"),
        ("folds-5/6", r"there is no fold 6 of 5; use folds-5/1 … 5"),
    ],
)
def test_impossible_folds_are_refused(scheme: str, expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        make_split(posts(a=5, b=3), scheme, seed=0)


def test_a_picture_that_changes_is_looked_at_again(tmp_path: Path) -> None:
    """Groups are remembered, but not beyond the files they were made of."""
    rng = random.Random(0)
    pictures = [Image.frombytes("L", (32, 32), rng.randbytes(1024)) for _ in range(2)]
    for n in range(4):
        pictures[0].save(tmp_path / f"{n}.png")
    pairs = [Pair(id=str(n), image=tmp_path / f"{n}.png", label="a") for n in range(4)]
    with pytest.raises(UserError, match="1 posts without duplicates"):
        own_folds(pairs, count=3, seed=0)
    for n, picture in enumerate((*pictures, *(image.rotate(90) for image in pictures))):
        picture.save(tmp_path / f"{n}.png", compress_level=n)
    assert sorted(map(len, own_folds(pairs, count=3, seed=0))) == [1, 1, 2]
