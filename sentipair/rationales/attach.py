"""Giving the posts of a data set their rationales."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sentipair.data import PairDataset
from sentipair.data.presence import some
from sentipair.errors import UserError
from sentipair.progress import track
from sentipair.rationales.lexicon import lexicon_rationales, polarities_of
from sentipair.rationales.prompts import VERDICT
from sentipair.rationales.tables import read_rationales

LEXICON = "lexicon"
"""The source that needs no file."""


def with_rationales(dataset: PairDataset, source: str | None) -> PairDataset:
    """The data set with the rationales of ``source`` in place of its own; the fingerprint covers them.

    Args:
        dataset: with its texts normalised.
        source: ``"lexicon"``, a table (see ``read_rationales``), or ``None``, which leaves all as it is.

    Raises:
        UserError: the table cannot be read, or has no rationale for any post.
    """
    if source is None:
        return dataset
    if source == LEXICON:
        made = lexicon_rationales(dataset.pairs, polarities_of(dataset.classes))
        given = list(track(made, "composing rationales", total=len(dataset)))
        problems: tuple[str, ...] = ()
    else:
        read = read_rationales(Path(source), dataset.classes)
        given = [
            {polarity: text for polarity, text in read.get(pair.id, {}).items() if polarity != VERDICT}
            for pair in dataset
        ]
        without = [pair.id for pair, rationales in zip(dataset, given, strict=True) if not rationales]
        if len(without) == len(dataset):
            raise UserError(f"{source} has no rationale for any post of {dataset.name}; its ids are others")
        problems = (f"{len(without):,} of {len(dataset):,} posts have no rationale: {some(without)}",)
        problems = problems if without else ()
    pairs = tuple(
        replace(pair, rationales=rationales) for pair, rationales in zip(dataset, given, strict=True)
    )
    return replace(dataset, pairs=pairs, problems=(*dataset.problems, *problems))
