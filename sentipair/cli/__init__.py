"""The command line: one file per command, thin; errors a user can cause end in one line."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

import typer

from sentipair.errors import UserError

app = typer.Typer(
    help="Image–text sentiment analysis and multimodal sarcasm detection, with numbers that hold.",
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
    load_commands()
    try:
        app(words, prog_name="sentipair")
    except UserError as error:
        if debug:
            raise
        print(f"sentipair: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("sentipair: stopped; the same command goes on where it was", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None


def quiet_libraries() -> None:
    """Keep the libraries' own chatter from between our lines."""
    for name in ("transformers", "huggingface_hub", "matplotlib"):
        logging.getLogger(name).setLevel(logging.ERROR)


def load_commands() -> None:
    """Register every command with ``app``; imported here, so that ``sentipair.cli`` itself imports nothing heavy."""
    from sentipair.cli import data, evaluate, models, predict, quickstart, report, train

    if not app.registered_commands:
        app.command("quickstart")(quickstart.quickstart)
        app.add_typer(data.app, name="data")
        app.command("models")(models.models)
        app.command("train")(train.train)
        app.command("evaluate")(evaluate.evaluate)
        app.command("predict")(predict.predict)
        app.command("report")(report.report)
