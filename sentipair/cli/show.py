"""How figures are printed: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from sentipair.evaluation.metrics import STATISTICS


def print_json(value: Any) -> None:
    """Print ``value`` as JSON on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_summary(summary: Mapping[str, Any]) -> None:
    """Print a table of the scores over seeds, with the majority class beside them."""
    title = f"{summary['model']} ({summary['fidelity']}) on {summary['data']}, seeds {', '.join(map(str, summary['seeds']))}"
    table = Table(title=title, title_justify="left")
    for name in ("split", "metric", "mean", "sd", "95 % interval", "majority class"):
        table.add_column(name, justify="left" if name in ("split", "metric") else "right")
    for split in ("validation", "test"):
        for name in STATISTICS if split in summary else ():
            score = summary[split][name]
            low, high = score["interval"]
            floor = f"{summary['majority'][name]:.3f}" if split == "test" else ""
            sd = "–" if score["sd"] is None else f"{score['sd']:.3f}"
            table.add_row(
                split, name.replace("_", " "), f"{score['mean']:.3f}", sd, f"{low:.3f} – {high:.3f}", floor
            )
    console = Console()
    console.print(table)
    if "flips" in summary:
        verdict = "none" if summary["flips"] == 0 else f"up to {summary['flips']:.1%}"
        console.print(f"predictions that change with batch size, order or padding: {verdict}")


def print_paths(**paths: Path) -> None:
    """Say where things are."""
    for name, path in paths.items():
        typer.echo(f"{name.replace('_', ' '):<12} {path}")
