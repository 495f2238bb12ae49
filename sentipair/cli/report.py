"""``sentipair report``: the HTML page of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentipair.cli.show import print_paths


def report(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or of several seeds.")],
) -> None:
    """Write the report of a run anew from what is in its folder.

    Example: sentipair report runs/spp-scl-mvsa-single-1a2b3c4d
    """
    from sentipair.reporting import write_report

    print_paths(report=write_report(run))
