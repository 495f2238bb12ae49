"""The audit's findings as rich tables, compact enough for one screen."""

from __future__ import annotations

from collections.abc import Collection

from rich import box
from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from sentipair.data.audit.report import AuditReport

SHOWN = 3
"""So many ids are named in a line; all of them are in ``AuditReport.to_dict()``."""


def render(report: AuditReport) -> Group:
    """The report from top to bottom: what it is, balance, duplicates, findings, the reader's notes."""
    head = Table.grid(padding=(0, 2))
    head.add_row("[bold]data set[/]", f"[bold]{escape(report.name)}[/], {report.pairs:,} pairs")
    head.add_row("label rule", escape(report.variant))
    head.add_row("splits", escape(report.scheme))
    head.add_row("text steps", ", ".join(report.text_steps) or "none")
    notes = [Text.assemble(("! ", "yellow"), problem) for problem in report.problems]
    people = [agreement_table(report)] if report.agreement else []
    tables = balance_table(report), *people, duplicate_table(report), findings_table(report)
    return Group("", head, "", *tables, *notes)


def balance_table(report: AuditReport) -> Table:
    """Pairs per class, the majority baseline and the order of the labels, a column per split."""
    splits = report.splits
    table = _table("Balance", "", *(split.name for split in splits))
    table.add_row("pairs", *(f"{split.size:,}" for split in splits))
    for label in report.classes:
        counts = (split.counts[label] for split in splits)
        table.add_row(
            f"  {escape(label)}", *(f"{count:,}" if count else "[yellow]none[/]" for count in counts)
        )
    if any(split.unlabelled for split in splits):
        table.add_row("  without label", *(_alarm(split.unlabelled) for split in splits))
    table.add_row("majority accuracy", *(f"{split.accuracy:.4f}" for split in splits))
    table.add_row("majority weighted F1", *(f"{split.weighted_f1:.4f}" for split in splits))
    runs = [
        f"[yellow]sorted:[/] {split.runs:,}" if split.label_sorted else f"{split.runs:,}" for split in splits
    ]
    table.add_row("same-label runs", *runs)
    table.add_row("  by chance", *(f"{split.expected_runs:,.0f}" for split in splits))
    return table


def agreement_table(report: AuditReport) -> Table:
    """How far people agree on the labels, a column per split: what a model's accuracy is to be read beside."""
    found = report.agreement.values()
    table = _table("Annotators", "", *report.agreement)
    table.add_row("posts with several votes", *(f"{split.posts:,}" for split in found))
    table.add_row("two annotators agree", *(f"{split.pairwise:.4f}" for split in found))
    table.add_row("  beyond chance: Krippendorff's α", *(f"{split.alpha:.4f}" for split in found))
    table.add_row("one agrees where most of the others do", *(_share(split.with_others) for split in found))
    table.add_row("one agrees with the label, own vote in it", *(_share(split.with_label) for split in found))
    return table


def duplicate_table(report: AuditReport) -> Table:
    """What every criterion finds, a column each: in all, within each split and across splits."""
    found = [each for each in report.duplicates if each.kind == "text" or report.pictures]
    table = _table("Duplicates", "", *(f"{each.kind}\n{each.level}" for each in found))
    table.add_row("groups", *(f"{len(each.groups):,}" for each in found))
    table.add_row("  of these with label conflicts", *(_alarm(len(each.conflicting)) for each in found))
    for name in found[0].extra:
        table.add_row(f"extra copies in {name}", *(f"{each.extra[name]:,}" for each in found))
    for split, other in found[0].across:
        table.add_row(f"{split} also in {other}", *(_alarm(each.across[split, other]) for each in found))
    return table


def findings_table(report: AuditReport) -> Table:
    """Missing and unusable parts, and the test rows that are in the training split, with first ids."""
    table = _table("Findings", "what", "pairs")
    table.add_column("which", overflow="fold")
    table.add_row("readable picture", f"{report.pictures:,}", "")
    rows: dict[str, Collection[str]] = {
        "no picture": report.missing,
        "unreadable picture": [f"{i} ({reason})" for i, reason in report.unreadable.items()],
        "plain picture, compared by bytes only": report.plain,
        "empty text": report.empty_texts,
    }
    test = report.contamination.get("test")
    if test is not None:
        rows |= {
            "test row with its picture in train": test.by_picture,
            "test row with its exact text in train": test.by_text,
            "test row with either: contaminated": test.rows,
        }
    for what, ids in rows.items():
        which = "all" if 0 < len(ids) == report.pairs else ", ".join(list(ids)[:SHOWN])
        more = ", …" if SHOWN < len(ids) < report.pairs else ""
        table.add_row(what, _alarm(len(ids)), escape(which + more))
    if test is not None:
        table.add_row("clean test row", f"{len(test.clean):,}", "")
    return table


def _table(title: str, first: str, *numbers: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for header in numbers:
        table.add_column(header, justify="right")
    return table


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _alarm(count: int) -> str:
    return f"[yellow]{count:,}[/]" if count else "0"
