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

from sentipair.runs import CLEAN

if TYPE_CHECKING:
    from sentipair.evaluation.controls import Controls
    from sentipair.inference import Prediction
    from sentipair.reporting.tables import Table as ReportTable


def print_json(value: Any) -> None:
    """Print ``value``, plain or a dataclass, as JSON on standard output."""
    plain = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    typer.echo(json.dumps(plain, indent=2, ensure_ascii=False))


def print_summary(summary: Mapping[str, Any]) -> None:
    """Print a table of the scores over seeds, with the majority class beside them."""
    seeds = ", ".join(map(str, summary["seeds"]))
    typer.echo(f"{summary['model']} ({summary['fidelity']}) on {summary['data']}, seeds {seeds}")
    table = _table("split", "metric", "mean", "sd", "95 % interval", "majority class")
    floors = {"test": summary.get("majority"), "test_clean": summary.get("majority_clean")}
    for split in ("validation", "test", "test_clean"):
        for name in summary.get(split, ()):
            score, floor = summary[split][name], floors.get(split)
            table.add_row(
                _words(split),
                _words(name),
                f"{score['mean']:.3f}",
                "–" if score["sd"] is None else f"{score['sd']:.3f}",
                _interval(score["interval"]),
                f"{floor[name]:.3f}" if floor else "",
            )
    console = Console()
    console.print(table)
    if "test_clean" in summary:
        count = summary["rows"]["test_clean"]
        typer.echo(f"test clean: the {count:,} {CLEAN}")
    if summary.get("controls"):
        console.print(control_table({name: {"test": it} for name, it in summary["controls"].items()}))
    if "flips" in summary:
        verdict = "none" if summary["flips"] == 0 else f"up to {summary['flips']:.1%}"
        typer.echo(f"predictions that change with batch size, order or padding: {verdict}")


def print_scores(scores: Mapping[str, Any], *, title: str) -> None:
    """Print the scores of one split, in all and on clean rows, what flips, and the looks at the test set."""
    typer.echo(title)
    table = _table("posts", "metric", "value", "95 % interval", "majority class")
    for rows, part in (("all", scores), ("clean", scores["clean"])):
        for name in part["intervals"] if part else ():
            metrics = part["metrics"]
            interval, floor = _interval(part["intervals"][name]), f"{metrics[f'majority_{name}']:.3f}"
            table.add_row(rows, _words(name), f"{metrics[name]:.3f}", interval, floor)
    Console().print(table)
    if scores["clean"]:
        typer.echo(f"clean: {CLEAN}")
    for name, share in scores["flips"].items():
        result = scores["conditions"][name]
        typer.echo(
            f"predictions changed by {name:<14}  {share:6.2%}   accuracy {result['accuracy']:.3f}, "
            f"weighted F1 {result['weighted_f1']:.3f}"
        )
    if scores["looks"]:
        typer.echo(f"looks at the test set so far: {scores['looks']}")


def control_table(controls: Controls) -> Table:
    """What classifiers score that see only what should not matter, split by split, the majority class first."""
    splits = controls["majority"]
    names = list(dict.fromkeys(name for scores in splits.values() for name in scores))
    table = _table("split", "control", *map(_words, names))
    for split in splits:
        for control, scores in controls.items():
            table.add_row(split, control, *(f"{scores[split][name]:.3f}" for name in names))
    return table


def print_table(table: ReportTable) -> None:
    """Print a table of a report, its title above and its note below."""
    shown = Table(
        title=escape(table.title), title_justify="left", caption=escape(table.note), caption_justify="left"
    )
    for place, name in enumerate(table.columns):
        shown.add_column(escape(name), justify="right" if place else "left", overflow="fold")
    for row in table.rows:
        shown.add_row(*map(escape, row))
    Console().print(shown)


def print_prediction(prediction: Prediction) -> None:
    """Print the class of a post, a bar per class, what text and picture say alone, and what took no part."""
    console = Console()
    confident = f"{prediction.confidence:.0%}"
    if prediction.label is None:
        console.print(f"[bold]no answer[/]: the model is not confident enough ({confident})")
    else:
        console.print(f"[bold]{escape(prediction.label)}[/], confidence {confident}")
    width = max(map(len, prediction.probabilities))
    for name, probability in prediction.probabilities.items():
        bar = "█" * round(30 * probability)
        console.print(f"  {escape(f'{name:<{width}}')}  {probability:6.1%}  [cyan]{bar}[/]")
    both = prediction.text and prediction.image
    for what, opinion in (("text", prediction.text), ("picture", prediction.image)):
        if opinion and (both or opinion.label != prediction.label):
            console.print(
                f"the {what} alone: {escape(opinion.label)} ({opinion.probabilities[opinion.label]:.0%})"
            )
    if prediction.sentence:
        typer.echo(prediction.sentence)
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
        table.add_column(name, justify="left" if name in ("split", "posts", "metric", "control") else "right")
    return table


def _words(name: str) -> str:
    return name.replace("_", " ")


def _interval(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.3f} – {bounds[1]:.3f}"
