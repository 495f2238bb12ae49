"""``sentipair models``: the zoo."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from sentipair.cli.options import Json
from sentipair.cli.show import print_json
from sentipair.models import list_models, model_class, settings_of


def models(
    pattern: Annotated[str, typer.Argument(help="A name or glob, such as 'spp*'.")] = "*",
    as_json: Json = False,
) -> None:
    """The models: what each needs, its settings and whom to cite.

    Example: sentipair models 'spp*'
    """
    rows: list[dict[str, Any]] = []
    for name in list_models(pattern):
        model = model_class(name)
        rows.append(
            {
                "name": name,
                "title": model.title,
                "needs": [repr(spec) for spec in model().requires],
                "settings": {key: parameter.default for key, parameter in settings_of(model).items()},
                "citation": model.citation,
            }
        )
    if as_json:
        print_json(rows)
        return
    console = Console()
    for row in rows:
        console.print(f"[bold]{row['name']}[/]  {escape(str(row['title']))}")
        console.print(f"  [dim]needs[/]     {escape(', '.join(row['needs']))}")
        settings = ", ".join(f"{key}={value!r}" for key, value in row["settings"].items())
        console.print(f"  [dim]settings[/]  {escape(settings)}")
        console.print(f"  [dim]cite[/]      {escape(str(row['citation']))}")
