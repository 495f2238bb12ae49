"""The errors that a user can cause, each message one line that says what to do; and an end that is no error."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


class UserError(Exception):
    """A mistake or a missing thing that the user can mend.

    The command line prints the message alone and exits with 1; from Python it is an ordinary exception.
    """


def end_without_reader() -> NoReturn:
    """End a command after a ``BrokenPipeError``: nobody reads its output any more, which is no error to tell of."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
    raise SystemExit(1)
