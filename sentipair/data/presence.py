"""What a post really has: pictures not on disk become None, posts with nothing at all are left out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sentipair.data.pair import Pair
from sentipair.files import is_file

SHOWN = 3
"""How many examples a problem line names."""


def only_present(pairs: Sequence[Pair]) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    """The pairs with absent pictures set to None, without those that then have neither picture nor text.

    Returns:
        The pairs that stay, and one problem line for each of the two cases, with counts, place and examples.
    """
    named = [pair.image for pair in pairs if pair.image is not None]
    absent = {image for image in named if not is_file(image)}
    checked = [replace(pair, image=None) if pair.image in absent else pair for pair in pairs]
    problems = []
    if absent:
        place = os.path.commonpath([image.parent.absolute() for image in absent])
        missing = [str(image.absolute().relative_to(place)) for image in named if image in absent]
        examples = f": {some(missing)}" if len(missing) < len(named) else ""
        problems.append(
            f"{len(missing):,} of {len(named):,} pictures absent, looked for in {place}{examples}"
        )
    empty = [pair.id for pair in checked if pair.image is None and not pair.text.strip()]
    if empty:
        problems.append(
            f"{len(empty):,} of {len(pairs):,} posts left out, without picture and text: {some(empty)}"
        )
    gone = set(empty)
    return tuple(pair for pair in checked if pair.id not in gone), tuple(problems)


def some(names: Iterable[object]) -> str:
    """The first few names, and how many more there are: ``"a, b, c and 7 more"``."""
    listed = [str(name) for name in names]
    more = len(listed) - SHOWN
    return ", ".join(listed[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
