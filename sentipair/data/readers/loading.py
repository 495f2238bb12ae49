"""``load_dataset``: from a data set's name, or an own table, to a checked ``PairDataset``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sentipair.data.pair import PairDataset
from sentipair.data.presence import only_present, some
from sentipair.data.readers.registry import Reader, all_readers, find_reader
from sentipair.data.splits import FOLDS, OWN, is_made_here, make_split, published_split
from sentipair.data.tables import read_table
from sentipair.data.text import normalise_all
from sentipair.errors import UserError
from sentipair.files import is_file, is_folder

TABLE_TEXT_STEPS = ("collapse-blanks",)


def load_dataset(
    source: str | Path,
    *,
    root: Path | None = None,
    variant: str | None = None,
    scheme: str | None = None,
    text_steps: Sequence[str] | None = None,
    seed: int = 0,
    require_labels: bool = True,
) -> PairDataset:
    """Read a data set, fuse its labels, normalise its texts and split it.

    Args:
        source: a registered name (``"mvsa-single"``), or the path of an own table or picture folder.
        root: the folder of a registered data set; ``$SENTIPAIR_DATA/<name>`` if not given.
        variant: how labels are made or posts chosen; the reader's first if not given.
        scheme: a published split, ``"own"`` or own folds such as ``"folds-5/1"``; the reader's first if not given.
            For a table: its ``split`` column if it has one, else ``"own"``.
        text_steps: names of ``TEXT_STEPS``, in order; the reader's own if not given.
        seed: of an own split or own folds.
        require_labels: without labels a table is an error; turn it off to look at one.

    Raises:
        UserError: unknown name, variant, scheme or step, a wrong root, or files that cannot be understood.
    """
    if str(source) in all_readers() or not (is_file(source) or is_folder(source)):
        known = find_reader(str(source))
        steps = known.text_steps if text_steps is None else tuple(text_steps)
        dataset = _read_registered(
            known, root=root, variant=variant, scheme=scheme, text_steps=steps, seed=seed
        )
    else:
        if root is not None or variant is not None or not (scheme is None or is_made_here(scheme)):
            raise UserError(
                f"{source} is a table, which can be split by {OWN} or {FOLDS}; "
                f"root, variant and published splits are for {', '.join(all_readers())}"
            )
        steps = TABLE_TEXT_STEPS if text_steps is None else tuple(text_steps)
        dataset = read_table(
            Path(source), scheme=scheme, seed=seed, text_steps=steps, require_labels=require_labels
        )
    return dataset


def _read_registered(
    reader: Reader,
    *,
    root: Path | None,
    variant: str | None,
    scheme: str | None,
    text_steps: tuple[str, ...],
    seed: int,
) -> PairDataset:
    variant = variant or reader.variants[0]
    if variant not in reader.variants:
        raise UserError(f"{reader.name} has no variant {variant!r}; choose from {', '.join(reader.variants)}")
    scheme = scheme or reader.schemes[0]
    published = {} if is_made_here(scheme) else published_split(reader.name, scheme)
    pairs, problems = reader.read(_find_root(reader, root), variant)
    listed = {i for ids in published.values() for i in ids}
    outside = [pair.id for pair in pairs if published and pair.id not in listed]
    if outside:
        count = f"{len(outside):,} of {len(pairs):,}"
        problems.append(f"{count} posts left out, not in the split {scheme}: {some(outside)}")
        pairs = [pair for pair in pairs if pair.id in listed]
    present, absences = only_present(pairs)
    ids = {pair.id for pair in present}
    absent = [i for members in published.values() for i in members if i not in ids]
    if absent:
        count = f"{len(absent):,} of {len(listed):,}"
        problems.append(f"{count} ids of the split {scheme} have no post in {variant}: {some(absent)}")
    complete = normalise_all(present, text_steps)
    splits = {name: tuple(i for i in members if i in ids) for name, members in published.items()}
    return PairDataset(
        name=reader.name,
        variant=variant,
        scheme=scheme if published else f"{scheme}/seed={seed}",
        classes=reader.classes,
        pairs=complete,
        text_steps=text_steps,
        splits=splits or make_split(complete, scheme, seed=seed),
        problems=(*problems, *absences),
    )


def _find_root(reader: Reader, root: Path | None) -> Path:
    base = os.environ.get("SENTIPAIR_DATA")
    if root is None and not base:
        raise UserError(
            f"{reader.name}: no folder given; use --root DIR, or set SENTIPAIR_DATA to the folder that holds "
            f"{reader.name}/ (from {reader.source})"
        )
    root = (root or Path(str(base)) / reader.name).expanduser().resolve()
    if not any((root / path).exists() for path in reader.needs):
        found = "found nothing of it" if root.is_dir() else "that folder does not exist"
        raise UserError(
            f"{reader.name}: expected {reader.layout} in {root}, but {found}; "
            f"give the right folder with --root DIR (from {reader.source})"
        )
    return root
