"""Runs beside each other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sentipair.errors import UserError
from sentipair.experiments.contest import Entry, show_p
from sentipair.experiments.run import bring_up_to_date
from sentipair.experiments.side_by_side import entries_of, score_tables, write_side_by_side

FLOORS = ["majority class", *(f"control: {name}" for name in ("blanks", "length", "marks", "picture", "all"))]


@pytest.fixture
def copies(finished_run: Path, tmp_path: Path) -> list[Path]:
    return [Path(shutil.copytree(finished_run, tmp_path / name)) for name in ("one", "two")]


def test_a_run_does_not_differ_from_its_copy(copies: list[Path], tmp_path: Path) -> None:
    tables = score_tables(entries_of(copies))
    assert [row[0] for row in tables[0].rows] == ["one", "two"]
    assert tables[0].rows[0][1:4] == tables[0].rows[1][1:4]
    assert tables[0].rows[1][-4:-1] == ["+0.000 (+0.000 to +0.000)", "1.000", "1.000"]
    assert [row[0] for row in tables[1].rows] == FLOORS
    assert {len(row) for row in tables[2].rows} == {4}
    assert "mean ± standard deviation over 2 seeds. " in tables[0].note
    assert "by Holm for 1 comparison; " in tables[0].note
    page = write_side_by_side(entries_of(copies), tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count(">two<") >= 2


def test_one_run_gives_its_splits(copies: list[Path]) -> None:
    table, floors = score_tables(entries_of(copies[:1]))[:2]
    assert [row[0] for row in table.rows] == ["validation", "test"]
    assert [row[0] for row in floors.rows] == FLOORS
    run = entries_of(copies[:1])[0].runs[0]
    assert floors.rows[0][1] == f"{run.splits['test']['metrics']['majority_accuracy']:.3f}"
    assert floors.rows[1][1] == f"{run.result['controls']['blanks']['test']['accuracy']:.3f}"


def test_a_seed_that_is_not_finished_is_left_out_and_named(
    copies: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    killed = copies[0] / "seed-1"
    (killed / "result.json").unlink()
    tables = score_tables(entries_of(copies))
    assert (
        f"{killed} is not finished and has no scores; repeat its `sentipair train`" in capsys.readouterr().err
    )
    assert (
        "one: one seed, so nothing is known of how much another one would give; two: mean ±" in tables[0].note
    )
    assert " ± " not in tables[0].rows[0][1]
    bring_up_to_date(copies[0])
    assert f"{killed} is not finished" in capsys.readouterr().err
    page = (copies[0] / "report.html").read_text(encoding="utf-8")
    assert "one seed, so nothing is known of how much another one would give" in page


def test_a_p_value_is_never_0() -> None:
    assert [show_p(value) for value in (1.0, 0.0005, 0.0004)] == ["1.000", "0.001", "< .001"]


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
    with pytest.raises(UserError, match="was altered since it was written"):
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
    rows = score_tables([one, other])[2].rows
    assert [row[3] == "–" for row in rows[:4]] == [True, True, True, False]
    assert rows[0][2] != "–"  # the third, opposite labels, has no posts in either


def test_an_altered_clean_mask_is_refused(copies: list[Path]) -> None:
    path = copies[0] / "seed-0" / "predictions-test.parquet"
    table = pq.read_table(path)
    mask = [i > 0 for i in range(len(table))]
    pq.write_table(table.set_column(table.column_names.index("clean"), "clean", [mask]), path)
    with pytest.raises(UserError, match="was altered since it was written"):
        entries_of(copies)


def test_a_folder_without_a_run_is_refused(tmp_path: Path, finished_run: Path) -> None:
    with pytest.raises(UserError, match="there is no finished run"):
        entries_of([tmp_path])
    with pytest.raises(UserError, match=f"the folder that holds seed-0, such as {finished_run}$"):
        entries_of([finished_run / "seed-0"])
