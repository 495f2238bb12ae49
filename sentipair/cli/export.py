"""``sentipair export``: a trained model with its encoders as ONNX or OpenVINO files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sentipair.cli.show import print_paths


def export(
    run: Annotated[
        str | None,
        typer.Argument(
            help="A run or folder, a Hugging Face id; default the shipped model.", show_default=False
        ),
    ] = None,
    to: Annotated[Literal["onnx", "openvino"], typer.Option(help="What runs it later.")] = "onnx",
    output: Annotated[Path, typer.Option(help="The folder that it goes to.")] = Path("exported"),
) -> None:
    """Write encoders and head into one folder that needs no PyTorch; `sentipair.portable` uses it.

    Example: sentipair export runs/late-fusion-mvsa-single-1a2b3c4d --to onnx --output exported
    """
    from sentipair.export import export_model

    difference = export_model(run, output, to=to)
    print_paths(model=output)
    typer.echo(f"largest difference from PyTorch in a probability: {difference:.1e}")
    typer.echo(f'use it without PyTorch: python -m sentipair.portable {output} photo.jpg "what a day"')
