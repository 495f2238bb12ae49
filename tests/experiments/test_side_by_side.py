"""Runs beside each other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sentipair.errors import UserError
from sentipair.experiments.side_by_side import entries_of, score_tables, write_side_by_side


@pytest.fixture
def copies(finished_run: Path, tmp_path: Path) -> list[Path]:
    return [Path(shutil.copytree(finished_run, tmp_path / name)) for name in ("one", "two")]


def test_a_run_does_not_differ_from_its_copy(copies: list[Path], tmp_path: Path) -> None:
    tables = score_tables(entries_of(copies))
    assert [row[0] for row in tables[0].rows] == ["one", "two"]
    assert tables[0].rows[0][1:4] == tables[0].rows[1][1:4]
    assert tables[0].rows[1][-3:-1] == ["+0.000 (+0.000 to +0.000)", "1.000"]
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


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no finished run"):
        entries_of([tmp_path])
