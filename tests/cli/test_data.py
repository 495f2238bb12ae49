"""``sentipair data`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sentipair.cli.data import app
from sentipair.data import all_readers, load_dataset
from sentipair.data.samples import generate
from sentipair.errors import UserError

run = CliRunner().invoke


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "sample"
    generate(folder, size=30)
    return folder


def test_list_names_every_reader_and_what_it_expects() -> None:
    result = run(app, ["list"])
    assert result.exit_code == 0
    words = " ".join(result.output.split())
    for reader in all_readers().values():
        assert reader.name in words
        assert " ".join(reader.citation.split()[:4]) in words


def test_check_prints_counts_and_verdict(folder: Path) -> None:
    result = run(app, ["check", str(folder)])
    assert result.exit_code == 0, result.output
    assert "30 pairs" in result.output
    assert "contaminated" in result.output
    for control in ("majority", "blanks", "length", "marks", "picture", "all"):
        assert f"│ {control} " in result.output


def test_check_warns_of_a_control_that_goes_too_far(tmp_path: Path) -> None:
    rows = [
        {"id": str(i), "text": f"post {i}" + "!" * (i % 2), "label": "ab"[i % 2], "split": split}
        for i, split in enumerate(["train"] * 40 + ["validation"] * 10 + ["test"] * 10)
    ]
    table = tmp_path / "posts.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    words = " ".join(run(app, ["check", str(table)]).output.split())
    assert "! marks alone gives test accuracy 1.000, the majority class 0.500" in words
    assert "blanks alone" not in words
    values = json.loads(run(app, ["check", str(table), "--json"]).stdout)
    assert values["controls"]["marks"]["test"]["accuracy"] == 1
    assert "picture" not in values["controls"]


def test_check_as_json_holds_everything(folder: Path) -> None:
    result = run(app, ["check", str(folder), "--json"])
    values = json.loads(result.stdout)
    assert values["pairs"] == values["pictures"] == 30
    assert [split["size"] for split in values["splits"]] == [18, 6, 6]
    assert values["contamination"]["test"]["rows"] == []
    assert len(values["contamination"]["test"]["clean"]) == 6


def test_check_of_an_unknown_name_is_a_user_error() -> None:
    result = run(app, ["check", "mvsa-singel"])
    assert isinstance(result.exception, UserError)
    assert "mvsa-single" in str(result.exception)


def test_prepare_writes_a_table_that_reads_back(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "deep" / "table.parquet"
    result = run(app, ["prepare", str(folder), "--output", str(table)])
    assert result.exit_code == 0, result.output
    before, after = load_dataset(folder), load_dataset(table)
    assert after.splits == before.splits
    for a, b in zip(before.pairs, after.pairs, strict=True):
        assert (a.id, a.text, a.label, a.text_label, a.image_label) == (
            b.id,
            b.text,
            b.label,
            b.text_label,
            b.image_label,
        )
        assert a.image is not None
        assert b.image is not None
        assert a.image.resolve() == b.image


def test_prepare_does_not_write_over_the_table_it_reads(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "metadata.parquet"
    run(app, ["prepare", str(folder), "--output", str(table)])
    before = table.read_bytes()
    for source, output, expected in (
        (table, table, "choose another --output"),
        (tmp_path, tmp_path / ".." / tmp_path.name / table.name, "choose another --output"),
        (table, tmp_path / "table.csv", "name it .parquet"),
    ):
        result = run(app, ["prepare", str(source), "--output", str(output)])
        assert isinstance(result.exception, UserError)
        assert expected in str(result.exception)
    assert table.read_bytes() == before
    assert not (tmp_path / "table.csv").exists()
    result = run(app, ["prepare", str(folder), "--output", str(folder / "metadata.parquet")])
    assert "a second table named metadata" in str(result.exception)


def test_prepare_tells_what_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("text,label,image\na,x,gone.jpg\n,y,\nb,y,\n")
    result = run(app, ["prepare", str(tmp_path / "posts.csv"), "--output", str(tmp_path / "p.parquet")])
    assert "1 of 1 pictures absent" in result.stderr
    assert "1 of 3 posts left out, without picture and text: 2" in result.stderr
    assert "2 pairs written" in result.stdout


def test_check_takes_a_table_without_labels_and_odd_class_names(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("text\na\nb\n")
    assert "2 pairs" in run(app, ["check", str(tmp_path / "posts.csv")]).stdout
    (tmp_path / "posts.csv").write_text("text,label\na,[/neg]\nb,[pos]\n")
    output = run(app, ["check", str(tmp_path / "posts.csv")]).stdout
    assert "[/neg]" in output
    assert "[pos]" in output


@pytest.mark.parametrize("command", ["list", "check", "prepare"])
def test_help_shows_an_example(command: str) -> None:
    assert f"Example: sentipair data {command}" in run(app, [command, "--help"]).output
