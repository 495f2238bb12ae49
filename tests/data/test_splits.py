"""Published splits against the published files, and the promises of own splits."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from sentipair.data import splits
from sentipair.data.pair import SPLITS, Pair
from sentipair.data.splits import own_split, published_schemes, published_split
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
    with pytest.raises(UserError, match=r"hfm has no split scheme 'cheema'; choose from clmlf, own$"):
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
    monkeypatch.setattr(splits, "duplicate_groups", lambda pairs: [int(pair.id[1:]) // 5 for pair in pairs])
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
