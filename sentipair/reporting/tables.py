"""One table, printed as Markdown, LaTeX or CSV, or put on a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentipair.files import write_json, write_text
from sentipair.runs import read_json

LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "Δ": r"$\Delta$",
    "α": r"$\alpha$",
    "λ": r"$\lambda$",
    "₂": "$_2$",
    "<": "$<$",
    ">": "$>$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """Cells as they are printed; the first column names the row.

    Attributes:
        title: stands above the table.
        columns: headings.
        rows: one cell per column.
        note: stands below it: where the numbers come from and how to read them.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        """A GitHub table, numbers to the right."""

        def line(cells: Sequence[str]) -> str:
            return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

        rule = "|---|" + "---:|" * (len(self.columns) - 1)
        body = [line(self.columns), rule, *map(line, self.rows)]
        return "\n".join([f"### {self.title}", "", *body, *(["", self.note] if self.note else []), ""])

    def latex(self) -> str:
        """A ``table`` with the rules of the booktabs package."""

        def line(cells: Sequence[str]) -> str:
            return " & ".join(map(_latex, cells)) + r" \\"

        body = [line(self.columns), r"\midrule", *map(line, self.rows)]
        return "\n".join(
            [
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{_latex(' '.join(filter(None, (self.title + '.', self.note))))}}}",
                rf"\begin{{tabular}}{{l{'r' * (len(self.columns) - 1)}}}",
                r"\toprule",
                *body,
                r"\bottomrule",
                r"\end{tabular}",
                r"\end{table}",
                "",
            ]
        )

    def csv(self) -> str:
        """Headings and rows; neither title nor note."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.columns, *self.rows])
        return text.getvalue()


FORMATS: Mapping[str, Callable[[Table], str]] = {
    "md": Table.markdown,
    "tex": Table.latex,
    "csv": Table.csv,
}
"""How a table is printed, by the suffix of its file."""


WRITTEN = ".written.json"
"""Lists the tables of the last call, so that the next one takes away those alone."""


def write_tables(folder: Path, tables: Mapping[str, Table]) -> None:
    """Write ``tables``, file name → table, in every format; those of an earlier call that are not among them go."""
    files = {
        f"{name}.{suffix}": text(table) for name, table in tables.items() for suffix, text in FORMATS.items()
    }
    earlier = read_json(folder / WRITTEN).get("tables", [])
    for name in {Path(name).name for name in earlier} - files.keys():
        (folder / name).unlink(missing_ok=True)
    for name, content in files.items():
        write_text(folder / name, content)
    write_json(folder / WRITTEN, {"tables": sorted(files)})


def _latex(text: str) -> str:
    return "".join(LATEX_SPECIAL.get(sign, sign) for sign in text)
