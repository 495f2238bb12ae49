"""``sentipair data``: which data sets can be read, and what is wrong with one before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sentipair.cli.show import control_table, print_json
from sentipair.errors import UserError
from sentipair.progress import say

app = typer.Typer(help="Data sets: what can be read, and what is wrong with them.", no_args_is_help=True)


@app.command("list")
def list_readers() -> None:
    """The data sets that can be read: label rules, splits, expected files, and whom to cite.

    Example: sentipair data list
    """
    from sentipair.data import all_readers
    from sentipair.data.splits import FOLDS

    console = Console()
    for reader in all_readers().values():
        facts = {
            "classes": ", ".join(reader.classes),
            "variants": ", ".join(reader.variants),
            "splits": ", ".join((*reader.schemes, FOLDS)),
            "text": ", ".join(reader.text_steps),
            "files": reader.layout,
            "from": reader.source,
            "cite": reader.citation,
        }
        console.print(f"\n[bold]{reader.name}[/]  {escape(reader.title)}")
        table = Table.grid(padding=(0, 2))
        for name, value in facts.items():
            table.add_row(f"  [dim]{name}[/]", escape(value))
        console.print(table)
    console.print(
        "\nAlso any .csv, .tsv, .jsonl or .parquet with the columns image, text, label, and any folder of pictures "
        "with a metadata table."
    )


@app.command()
def check(
    dataset: Annotated[str, typer.Argument(help="A name from `sentipair data list`, or a table or folder.")],
    root: Annotated[Path | None, typer.Option(help="The folder of a named data set.")] = None,
    variant: Annotated[str | None, typer.Option(help="The label rule, such as agree-only.")] = None,
    scheme: Annotated[str | None, typer.Option(help="The splits, such as clmlf or own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, with all ids.")] = False,
) -> None:
    """Counts, baselines, unusable pictures, duplicates, test rows that leak from training, and control classifiers.

    The controls see only what should not matter: blanks, length, marks, the format of the picture.

    Example: sentipair data check mvsa-single --root path/to/mvsa-single
    """
    from sentipair.data import load_dataset
    from sentipair.data.audit import audit, render
    from sentipair.data.duplicates import read_pictures
    from sentipair.evaluation.controls import control_scores, telling

    pairs = load_dataset(dataset, root=root, variant=variant, scheme=scheme, require_labels=False)
    pictures = read_pictures(pairs)
    report = audit(pairs, pictures=pictures)
    controls = control_scores(pairs, pictures)
    if as_json:
        print_json({**report.to_dict(), "controls": controls})
        return
    console = Console()
    console.print(render(report))
    if controls:
        console.print(control_table(controls))
    for line in telling(controls):
        console.print(f"[yellow]![/] {escape(line)}", highlight=False)


@app.command()
def prepare(
    dataset: Annotated[str, typer.Argument(help="A name from `sentipair data list`, or a table or folder.")],
    output: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    root: Annotated[Path | None, typer.Option(help="The folder of a named data set.")] = None,
    variant: Annotated[str | None, typer.Option(help="The label rule, such as agree-only.")] = None,
    scheme: Annotated[str | None, typer.Option(help="The splits, such as clmlf or own.")] = None,
) -> None:
    """Write one plain table of a data set, texts normalised, labels fused, splits marked.

    Rationales, attributes of pictures and the votes of single annotators have no place in it.

    Example: sentipair data prepare mvsa-single --root path/to/mvsa-single --output mvsa-single.parquet
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from sentipair.data import all_readers, load_dataset
    from sentipair.data.tables import table_file
    from sentipair.files import atomic_write, same_place

    if output.suffix.lower() != ".parquet":
        raise UserError(f"cannot write {output.name}: a prepared table is Parquet; name it .parquet")
    if dataset not in all_readers():
        table = table_file(Path(dataset))
        if same_place(output, table):
            raise UserError(f"{output} is the table to be prepared; choose another --output")
        if output.stem == table.stem == "metadata" and same_place(output.parent, table.parent):
            raise UserError(
                f"a second table named metadata would make {table.parent} unreadable; choose another --output"
            )
    pairs = load_dataset(dataset, root=root, variant=variant, scheme=scheme)
    split = {i: name for name, ids in pairs.splits.items() for i in ids}
    rows = [
        {
            "id": pair.id,
            "image": str(pair.image.resolve()) if pair.image else None,
            "text": pair.text,
            "label": pair.label,
            "text_label": pair.text_label,
            "image_label": pair.image_label,
            "split": split.get(pair.id),
        }
        for pair in pairs
    ]
    with atomic_write(output) as file:
        pq.write_table(pa.Table.from_pylist(rows), file)
    for problem in pairs.problems:
        say(problem)
    typer.echo(f"{len(rows):,} pairs written to {output}")
