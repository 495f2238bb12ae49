"""``sentipair serve``: the predictor over HTTP, with a page to try it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sentipair.cli.options import Engine, Model, Threshold
from sentipair.errors import UserError


def serve(
    model: Model = None,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 for any free one.")] = 8000,
    keys: Annotated[
        Path | None,
        typer.Option(
            help="A file with API keys, one per line; default $SENTIPAIR_API_KEYS.", show_default=False
        ),
    ] = None,
    queue: Annotated[int, typer.Option(min=64, help="Posts that may wait; more are refused with 429.")] = 128,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds to send a request, and to wait for its answer.")
    ] = 30.0,
    threshold: Threshold = 0.0,
    engine: Engine = "auto",
) -> None:
    """Serve predictions, explanations and a page to try them.

    Example: sentipair serve --port 8000

    Example: curl -F image=@photo.jpg -F text="what a day" http://127.0.0.1:8000/v1/predict
    """
    try:
        from sentipair.serving.running import serve as run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("sentipair"):
            raise
        raise UserError(f'the server needs {error.name}: pip install "sentipair[serve]"') from error
    from sentipair.inference import Predictor
    from sentipair.serving.keys import read_keys
    from sentipair.serving.limits import Limits

    limits = replace(Limits(), queue=queue, seconds=timeout)
    known = read_keys(keys)
    predictor = Predictor.from_pretrained(model, engine=engine, threshold=threshold)
    run(predictor, host=host, port=port, limits=limits, keys=known)
