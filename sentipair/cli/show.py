"""How figures are printed: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sentipair.evaluation.metrics import STATISTICS

if TYPE_CHECKING:
    from sentipair.inference.predictor import Prediction


def print_json(value: Any) -> None:
    """Print ``value``, plain or a dataclass, as JSON on standard output."""
    plain = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    typer.echo(json.dumps(plain, indent=2, ensure_ascii=False))


def print_summary(summary: Mapping[str, Any]) -> None:
    """Print a table of the scores over seeds, with the majority class beside them."""
    seeds = ", ".join(map(str, summary["seeds"]))
    typer.echo(f"{summary['model']} ({summary['fidelity']}) on {summary['data']}, seeds {seeds}")
    table = _table("split", "metric", "mean", "sd", "95 % interval", "majority class")
    for split in ("validation", "test"):
        for name in STATISTICS if split in summary else ():
            score = summary[split][name]
            sd = "–" if score["sd"] is None else f"{score['sd']:.3f}"
            floor = f"{summary['majority'][name]:.3f}" if split == "test" else ""
            table.add_row(
                split, _words(name), f"{score['mean']:.3f}", sd, _interval(score["interval"]), floor
            )
    Console().print(table)
    if "flips" in summary:
        verdict = "none" if summary["flips"] == 0 else f"up to {summary['flips']:.1%}"
        typer.echo(f"predictions that change with batch size, order or padding: {verdict}")


def print_scores(scores: Mapping[str, Any], *, title: str) -> None:
    """Print the scores of one split, the shares of predictions that changed, and the looks at the test set."""
    typer.echo(title)
    metrics = scores["metrics"]
    table = _table("metric", "value", "95 % interval", "majority class")
    for name in STATISTICS:
        interval, floor = _interval(scores["intervals"][name]), f"{metrics[f'majority_{name}']:.3f}"
        table.add_row(_words(name), f"{metrics[name]:.3f}", interval, floor)
    Console().print(table)
    for name, share in scores["flips"].items():
        typer.echo(f"predictions changed by {name:<14}  {share:.2%}")
    if scores["looks"]:
        typer.echo(f"looks at the test set so far: {scores['looks']}")


def print_prediction(prediction: Prediction) -> None:
    """Print the class of a post, a bar per class, and what took no part."""
    console = Console()
    console.print(f"[bold]{escape(prediction.label)}[/]")
    width = max(map(len, prediction.probabilities))
    for name, probability in prediction.probabilities.items():
        bar = "█" * round(30 * probability)
        console.print(f"  {escape(f'{name:<{width}}')}  {probability:6.1%}  [cyan]{bar}[/]")
    if prediction.unusable:
        typer.echo(f"the picture took no part: {prediction.unusable}")
    if prediction.truncated:
        typer.echo(f"the text was cut: {prediction.truncated}")


def print_paths(**paths: Path) -> None:
    """Say where things are."""
    for name, path in paths.items():
        typer.echo(f"{name:<9} {path}")


def _table(*columns: str) -> Table:
    table = Table()
    for name in columns:
        table.add_column(name, justify="left" if name in ("split", "metric") else "right")
    return table


def _words(name: str) -> str:
    return name.replace("_", " ")


def _interval(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.3f} – {bounds[1]:.3f}"
