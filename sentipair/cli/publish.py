"""``sentipair publish``: a trained model as a small folder with its card, and on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentipair.cli.options import Run
from sentipair.cli.show import print_paths


def publish(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="Where configuration, weights and model card go.")],
    hub: Annotated[
        str | None,
        typer.Option(help="Upload the folder to the Hugging Face hub as OWNER/NAME.", show_default=False),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Seen by the owner alone on the hub.")] = False,
) -> None:
    """Write a trained model with its card; `sentipair predict --model FOLDER` uses it.

    Example: sentipair publish runs/late-fusion-mvsa-single-1a2b3c4d my-model
    """
    from sentipair.inference import publish as publishing

    published = publishing.publish(run, folder)
    print_paths(model=folder, card=folder / publishing.CARD)
    if hub:
        typer.echo(publishing.push_to_hub(published, hub, private=private))
