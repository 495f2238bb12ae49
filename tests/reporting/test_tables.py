"""Tables in every format."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from sentipair.reporting.tables import WRITTEN, Table, write_tables

TABLE = Table(
    title="Table 1. 50 % & more",
    columns=["model", "accuracy", "p"],
    rows=[["a|b", "0.7 ± 0.1", "0.04"], ["c_d", "−0.2", "–"]],
    note="Source: ours.",
)


def test_markdown_has_one_line_per_row_and_escapes_bars() -> None:
    lines = TABLE.markdown().splitlines()
    assert lines[0] == "### Table 1. 50 % & more"
    assert lines[2:6] == [
        "| model | accuracy | p |",
        "|---|---:|---:|",
        "| a\\|b | 0.7 ± 0.1 | 0.04 |",
        "| c_d | −0.2 | – |",
    ]
    assert lines[-1] == "Source: ours."


def test_latex_escapes_what_latex_reads() -> None:
    text = TABLE.latex()
    assert r"\caption{Table 1. 50 \% \& more. Source: ours.}" in text
    assert r"a|b & 0.7 $\pm$ 0.1 & 0.04 \\" in text
    assert r"c\_d & $-$0.2 & -- \\" in text
    assert r"\begin{tabular}{lrr}" in text
    assert text.count("{") == text.count("}")


def test_csv_comes_back_as_it_went(tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(TABLE.csv())))
    assert rows == [list(TABLE.columns), *map(list, TABLE.rows)]


def test_tables_of_an_earlier_call_go(tmp_path: Path) -> None:
    write_tables(tmp_path, {"one": TABLE, "two": TABLE})
    for name in ("notes.md", "mine.csv"):
        (tmp_path / name).write_text("of a person", encoding="utf-8")
    write_tables(tmp_path, {"two": TABLE})
    names = {path.name for path in tmp_path.iterdir() if path.name != WRITTEN}
    assert names == {"two.md", "two.tex", "two.csv", "notes.md", "mine.csv"}
    assert (tmp_path / "two.md").read_text(encoding="utf-8") == TABLE.markdown()
