"""``sentipair export``: a trained model with its encoders as ONNX or OpenVINO files, or a fine-tuned encoder."""

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
    to: Annotated[
        Literal["onnx", "openvino", "transformers"],
        typer.Option(help="What runs it later; transformers: the encoder that --finetune trained, alone."),
    ] = "onnx",
    output: Annotated[Path, typer.Option(help="The folder that it goes to.")] = Path("exported"),
) -> None:
    """Write encoders and head into one folder that needs no PyTorch; `sentipair.portable` uses it.

    Or, with --to transformers, the fine-tuned encoder alone, for --encoders and for transformers.

    Example: sentipair export runs/late-fusion-mvsa-single-1a2b3c4d --to onnx --output exported
    """
    from sentipair.errors import UserError
    from sentipair.export import export_encoders, export_model

    if to == "transformers":
        if run is None:
            raise UserError(
                "name the run whose encoder was fine-tuned: sentipair export RUN --to transformers"
            )
        encoders = export_encoders(run, output)
        print_paths(encoders=output)
        names = "+".join(encoders[modality] for modality in ("text", "image"))
        typer.echo(f"use them in any model: sentipair train spp-scl --data posts.csv --encoders {names}")
        return
    difference = export_model(run, output, to=to)
    print_paths(model=output)
    typer.echo(f"largest difference from PyTorch in a probability: {difference:.1e}")
    typer.echo(f'use it without PyTorch: python -m sentipair.portable {output} photo.jpg "what a day"')
