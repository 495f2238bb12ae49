"""``sentipair models``: the zoo."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from sentipair.cli.options import Json
from sentipair.cli.show import print_json
from sentipair.errors import UserError


def models(
    pattern: Annotated[str, typer.Argument(help="A name or glob, such as 'spp*'.")] = "*",
    as_json: Json = False,
) -> None:
    """The models: what each needs, its settings and whom to cite.

    Example: sentipair models 'spp*'
    """
    from sentipair.models import list_models

    names = list_models(pattern)
    if not names:
        raise UserError(f"no model matches {pattern!r}; `sentipair models` lists all")
    rows = [_describe(name) for name in names]
    if as_json:
        print_json(rows)
        return
    console = Console()
    for row in rows:
        console.print(f"[bold]{row['name']}[/]  {escape(row['title'])}")
        settings = ", ".join(f"{key}={value!r}" for key, value in row["settings"].items())
        for key, value in (
            ("needs", ", ".join(row["needs"]) or "nothing"),
            ("settings", settings),
            ("adapted", row["adapted"] or "no"),
            ("cite", row["citation"]),
        ):
            console.print(f"  [dim]{key:<9}[/] {escape(value)}")


def _describe(name: str) -> dict[str, Any]:
    from sentipair.models import model_class, settings_of

    model = model_class(name)
    return {
        "name": name,
        "title": model.title,
        "needs": [repr(spec) for spec in model().requires],
        "settings": {key: parameter.default for key, parameter in settings_of(model).items()},
        "adapted": model.adapted,
        "citation": model.citation,
    }
