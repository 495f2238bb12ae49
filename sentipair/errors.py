"""The errors that a user can cause: each message is one line that says what to do."""

from __future__ import annotations


class UserError(Exception):
    """A mistake or a missing thing that the user can mend.

    The command line prints the message alone and exits with 1; from Python it is an ordinary exception.
    """
