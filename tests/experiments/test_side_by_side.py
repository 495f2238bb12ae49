"""Runs beside each other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sentipair.errors import UserError
from sentipair.experiments.contest import Entry
from sentipair.experiments.side_by_side import entries_of, score_tables, write_side_by_side


@pytest.fixture
def copies(finished_run: Path, tmp_path: Path) -> list[Path]:
    return [Path(shutil.copytree(finished_run, tmp_path / name)) for name in ("one", "two")]


def test_a_run_does_not_differ_from_its_copy(copies: list[Path], tmp_path: Path) -> None:
    tables = score_tables(entries_of(copies))
    assert [row[0] for row in tables[0].rows] == ["one", "two"]
    assert tables[0].rows[0][1:4] == tables[0].rows[1][1:4]
    assert tables[0].rows[1][-4:-1] == ["+0.000 (+0.000 to +0.000)", "1.000", "1.000"]
    assert {len(row) for row in tables[1].rows} == {4}
    page = write_side_by_side(entries_of(copies), tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count(">two<") >= 2


def test_one_run_gives_its_splits(copies: list[Path]) -> None:
    table = score_tables(entries_of(copies[:1]))[0]
    assert [row[0] for row in table.rows] == ["validation", "test", "majority class, test"]


def test_folders_of_one_name_are_told_apart_by_their_paths(copies: list[Path], tmp_path: Path) -> None:
    other = Path(shutil.copytree(copies[0], tmp_path / "elsewhere" / "one"))
    assert [entry.name for entry in entries_of([copies[0], other])] == [str(copies[0]), str(other)]


def test_an_altered_prediction_is_refused(copies: list[Path]) -> None:
    path = copies[1] / "seed-1" / "predictions-test.parquet"
    table = pq.read_table(path)
    column = table.column_names.index("prediction")
    values = table["prediction"].to_pylist()
    values[0] = next(name for name in ("positive", "negative") if name != values[0])
    pq.write_table(table.set_column(column, "prediction", [values]), path)
    with pytest.raises(UserError, match="does not give the scores"):
        score_tables(entries_of(copies))


def test_a_seed_that_was_added_counts_on_both_sides(copies: list[Path]) -> None:
    summary = copies[0] / "summary.json"
    summary.write_text(
        summary.read_text(encoding="utf-8").replace('"mean": 0.', '"mean": 9.'), encoding="utf-8"
    )
    assert (
        score_tables(entries_of(copies))[0].rows[0][1:4] == score_tables(entries_of(copies))[0].rows[1][1:4]
    )


def test_slices_that_a_run_lacks_are_left_open(copies: list[Path]) -> None:
    one, two = entries_of(copies)
    part = dict(two.summary["slices"][0], count=1)
    other = Entry(
        name="two",
        folder=two.folder,
        summary={**two.summary, "slices": [part, *two.summary["slices"][2:]]},
        published={},
    )
    rows = score_tables([one, other])[1].rows
    assert [row[3] == "–" for row in rows[:4]] == [True, True, True, False]
    assert rows[0][2] != "–"  # the third, opposite labels, has no posts in either


def test_an_altered_clean_mask_is_refused(copies: list[Path]) -> None:
    path = copies[0] / "seed-0" / "predictions-test.parquet"
    table = pq.read_table(path)
    mask = [i > 0 for i in range(len(table))]
    pq.write_table(table.set_column(table.column_names.index("clean"), "clean", [mask]), path)
    with pytest.raises(UserError, match="does not give the scores"):
        entries_of(copies)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no finished run"):
        entries_of([tmp_path])
