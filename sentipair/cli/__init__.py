"""The command line: one file per command, thin; errors a user can cause end in one line.

Commands import what they need when they are called, so that ``--help`` and ``data list`` answer at once.
"""

from __future__ import annotations

import atexit
import gc
import io
import logging
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from sentipair import __version__
from sentipair.errors import UserError, end_without_reader

INTERRUPTED = 130
"""Exit code after Ctrl-C, by convention 128 + SIGINT; Typer uses it too."""

app = typer.Typer(
    epilog="Example: sentipair quickstart. With --debug any command shows the traceback of an error.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 0, with 1 after an error of the user's, with 2 after wrong usage.

    ``--debug`` anywhere shows the traceback of an error.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    quiet_libraries()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # where a console or pipe has no emoji
    load_commands()
    atexit.register(gc.freeze)  # collecting what ends with the process anyway takes a second after PyTorch
    try:
        app(words, prog_name="sentipair")
    except BrokenPipeError:
        end_without_reader()
    except (UserError, OSError) as error:
        if debug or not (isinstance(error, UserError) or error.filename):
            raise
        print(f"sentipair: {in_one_line(error)}", file=sys.stderr)
        raise SystemExit(1) from None
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            print("sentipair: stopped; repeat the command to go on where it was", file=sys.stderr)
        raise


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"sentipair {__version__}")
        raise typer.Exit


@app.callback()
def _start(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_tell_version, help="Print the version and end."),
    ] = False,
) -> None:
    """Image–text sentiment analysis and multimodal sarcasm detection, with numbers that hold."""


def in_one_line(error: UserError | OSError) -> str:
    """What a person is told: of a file that the operating system refused to us, its name and why."""
    if isinstance(error, UserError):
        return str(error)
    return f"cannot use {error.filename}: {error.strerror}; check the name and who may read and write there"


def quiet_libraries() -> None:
    """Keep the libraries' own chatter from between our lines; ``python -W`` brings the warnings back."""
    for name in ("transformers", "huggingface_hub", "matplotlib"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def load_commands() -> None:
    """Register every command with ``app``."""
    from sentipair.cli import (
        ablate,
        benchmark,
        data,
        evaluate,
        explain,
        export,
        folds,
        models,
        predict,
        publish,
        quickstart,
        rationales,
        report,
        reproduce,
        serve,
        sweep,
        train,
    )

    if not app.registered_commands:
        app.command("quickstart")(quickstart.quickstart)
        app.add_typer(data.app, name="data")
        app.command("models")(models.models)
        app.command("rationales")(rationales.rationales)
        app.command("train")(train.train)
        app.command("evaluate")(evaluate.evaluate)
        app.command("predict")(predict.predict)
        app.command("publish")(publish.publish)
        app.command("export")(export.export)
        app.command("explain")(explain.explain)
        app.command("serve")(serve.serve)
        app.command("benchmark")(benchmark.benchmark)
        app.command("ablate")(ablate.ablate)
        app.command("reproduce")(reproduce.reproduce)
        app.command("folds")(folds.folds)
        app.command("sweep")(sweep.sweep)
        app.command("report")(report.report)
