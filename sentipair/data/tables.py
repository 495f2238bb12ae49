"""Own posts: tables as CSV, TSV, JSON Lines or Parquet, and folders of pictures with a metadata table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from sentipair.data.pair import SENTIMENT, SPLITS, Pair, PairDataset
from sentipair.data.presence import only_present, some
from sentipair.data.rows import SUFFIXES, Row, lines_not_utf8, no_image_column, read_rows
from sentipair.data.splits import OWN, make_split
from sentipair.data.text import normalise_all, whole_characters
from sentipair.errors import UserError
from sentipair.files import below, is_address

COLUMNS = ("id", "image", "text", "label", "split", "text_label", "image_label")
ALIASES = {"file_name": "image"}
"""Hugging Face picture folders call the picture ``file_name``."""

NO_LABEL = ("nan", "null", "n/a", "#n/a")
"""What programs write for an empty cell."""

MANY_CLASSES = 10
"""From here on labels of which most occur once are called scores."""

SPLIT_NAMES = {"train": "train", "dev": "validation", "val": "validation", "valid": "validation"} | {
    name: name for name in SPLITS
}


def read_table(
    path: Path,
    *,
    scheme: str | None = None,
    seed: int = 0,
    classes: Sequence[str] | None = None,
    text_steps: Sequence[str] = (),
    require_labels: bool = True,
) -> PairDataset:
    """Read posts from a table, or from a folder with ``metadata.csv``, ``.tsv``, ``.jsonl`` or ``.parquet``.

    Columns: ``text`` and ``image`` (at least one; ``file_name`` also means ``image``), ``label``, and
    optionally ``id`` (else the row number), ``split``, ``text_label``, ``image_label``; case does not matter.
    Pictures are looked for relative to the table. Rows are counted from 1 after the header.

    Args:
        path: the table or the folder.
        scheme: ``"own"`` or own folds such as ``"folds-5/1"``, in place of the ``split`` column. If not given: that
            column, or ``"own"`` where there are labels and no such column.
        seed: of an own split or own folds.
        classes: class names in order. If not given: those found, as positive, neutral, negative if they are
            just these three, otherwise in alphabetical order.
        text_steps: names of ``TEXT_STEPS``, in order, which the texts go through.
        require_labels: without labels the table is an error; turn it off to predict.

    Raises:
        UserError: the table cannot be read, is empty or lacks columns; an id is empty or occurs twice; a
            split has an unknown name; no row has a label though labels are required.
    """
    name = whole_characters(Path(path).resolve().name)
    path = table_file(Path(path))
    header, rows = read_rows(path)
    if not rows:
        raise UserError(f"{path.name} has no rows; add at least one post")
    names = _known_columns(header, path)
    known = set(names.values())
    if not known & {"text", "image"}:
        raise UserError(f"{path.name} has no column text or image (it has: {', '.join(header)}); add one")
    if require_labels and "label" not in known:
        raise UserError(f"{path.name} has no column label (it has: {', '.join(header)}); add one")
    unknown = [name for name in header if name and name not in names]
    problems = [f"columns ignored: {', '.join(unknown)}"] if unknown else []
    if "image" not in known:
        problems += no_image_column(unknown, rows)
    if odd := lines_not_utf8(path):
        problems.append(
            f"{odd:,} lines are not UTF-8 and are read as Windows-1252; if it is none, save as UTF-8"
        )

    cells = [{names[key]: _filled(value) for key, value in row.items() if key in names} for row in rows]
    pairs = [_pair(row, number, path) for number, row in enumerate(cells, start=1)]
    addresses = [image for row in cells if (image := _address(row)) is not None]
    if addresses:
        problems.append(
            f"{len(addresses):,} pictures are addresses, which are not fetched; download them: {some(addresses)}"
        )
    _refuse_repeated_ids(pairs, path)
    kept, absences = only_present(pairs)
    present = normalise_all(kept, text_steps)
    counts = Counter(pair.label for pair in present if pair.label is not None)
    labels = set(counts)
    if require_labels and not labels:
        if not present:
            raise UserError(f"{path.name}: no post is left; {'; '.join([*problems, *absences])}")
        raise UserError(f"{path.name}: no post has a label; fill in the column label")
    unlabelled = [pair.id for pair in present if pair.label is None]
    if labels and unlabelled:
        problems.append(f"{len(unlabelled):,} of {len(present):,} posts have no label: {some(unlabelled)}")
    splits: Mapping[str, tuple[str, ...]] = {}
    if scheme is None and "split" in known:
        scheme = "as-given"
        splits, unsplit = _given_splits(cells, pairs, {pair.id for pair in present}, path)
        if unsplit:
            problems.append(f"{len(unsplit):,} of {len(present):,} posts belong to no split: {some(unsplit)}")
    elif labels and (scheme or require_labels):
        splits = make_split(present, scheme or OWN, seed=seed)
        scheme = f"{scheme or OWN}/seed={seed}"
    chosen = tuple(classes) if classes is not None else _classes(labels)
    if classes is None:
        problems += _odd_classes(counts)
    problems += _other_labels(present, chosen) if labels else []
    return PairDataset(
        name=name,
        scheme=scheme or "none",
        classes=chosen,
        pairs=present,
        text_steps=tuple(text_steps),
        splits=splits,
        problems=(*problems, *absences),
    )


def table_file(path: Path) -> Path:
    """The table itself, or the one ``metadata`` table of a folder.

    Raises:
        UserError: the folder has none, or several.
    """
    if not path.is_dir():
        return path
    found = [path / f"metadata{suffix}" for suffix in SUFFIXES if (path / f"metadata{suffix}").is_file()]
    if len(found) != 1:
        names = " and ".join(file.name for file in found) or "no metadata.csv or metadata.jsonl"
        raise UserError(f"the folder {path} has {names}; it needs one such table beside the pictures")
    return found[0]


def _known_columns(header: Sequence[str], path: Path) -> Mapping[str, str]:
    """Column as written → our name, for the columns we know."""
    ours = [ALIASES.get(name.strip().lower(), name.strip().lower()) for name in header]
    twice = [our for our in COLUMNS if ours.count(our) > 1]
    if twice:
        raise UserError(f"{path.name} has more than one column {twice[0]}; keep one")
    return {name: our for name, our in zip(header, ours, strict=True) if our in COLUMNS}


def _filled(value: object) -> object:
    """The value, None in place of NaN, which pandas writes for an empty cell."""
    return value if value == value else None


def _pair(row: Row, number: int, path: Path) -> Pair:
    key = _cell(row, "id") if "id" in row else str(number)
    if key is None:
        raise UserError(f"{path.name}, row {number} has an empty id; fill it in, or leave the column out")
    for name in ("text", "image"):
        if not isinstance(row.get(name, ""), str | None):
            kind = type(row[name]).__name__
            raise UserError(f"{path.name}, row {number}: {name} is a {kind}; give a string")
    for name in ("id", "label", "text_label", "image_label", "split"):
        if isinstance(row.get(name), list | dict | bytes):
            kind = type(row[name]).__name__
            raise UserError(f"{path.name}, row {number}: {name} is a {kind}; give a string or a number")
    image = None if _address(row) else _cell(row, "image")
    return Pair(
        id=key,
        text=row.get("text") or "",
        image=below(path.parent, image) if image else None,
        label=_cell(row, "label"),
        text_label=_cell(row, "text_label"),
        image_label=_cell(row, "image_label"),
    )


def _address(row: Row) -> str | None:
    """The picture's address on the web, where it is one."""
    image = _cell(row, "image")
    return image if image is not None and is_address(image) else None


def _cell(row: Row, name: str) -> str | None:
    """A cell as a stripped string, None where it is empty."""
    value = row.get(name)
    if isinstance(value, float) and value.is_integer():  # what pandas makes of 1 beside an empty cell
        value = int(value)
    return None if value is None else str(value).strip() or None


def _refuse_repeated_ids(pairs: Sequence[Pair], path: Path) -> None:
    first: dict[str, int] = {}
    for number, pair in enumerate(pairs, start=1):
        if first.setdefault(pair.id, number) != number:
            raise UserError(
                f"{path.name}: the id {pair.id!r} is in rows {first[pair.id]} and {number}; make ids unique"
            )


def _given_splits(
    cells: Sequence[Row], pairs: Sequence[Pair], present: set[str], path: Path
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The split column as ids per split, and the ids of rows where it is empty."""
    members: dict[str, list[str]] = {}
    unsplit: list[str] = []
    for number, (row, pair) in enumerate(zip(cells, pairs, strict=True), start=1):
        given = _cell(row, "split")
        if given is not None and given.lower() not in SPLIT_NAMES:
            raise UserError(
                f"{path.name}, row {number}: split {given!r} is none of {', '.join(SPLITS)}; correct it"
            )
        if pair.id in present:
            (unsplit if given is None else members.setdefault(SPLIT_NAMES[given.lower()], [])).append(pair.id)
    return {split: tuple(members[split]) for split in SPLITS if split in members}, unsplit


def _odd_classes(counts: Mapping[str, int]) -> list[str]:
    """Lines about labels that hardly are the classes that were meant."""
    alike: dict[object, list[str]] = {}
    for label in sorted(counts):
        try:
            alike.setdefault(float(label), []).append(label)
        except ValueError:
            alike.setdefault(label.casefold(), []).append(label)
    lines = [
        f"the labels {', '.join(each)} are classes of their own; write them alike if they are one"
        for each in alike.values()
        if len(each) > 1
    ]
    if missing := [label for label in sorted(counts) if label.casefold() in NO_LABEL]:
        lines.append(f"the label {', '.join(missing)} is a class; leave the cell empty where there is none")
    single = sum(count == 1 for count in counts.values())
    if len(counts) >= MANY_CLASSES and single > len(counts) / 2:
        lines.append(
            f"{single:,} of {len(counts):,} classes have one post each; labels should be classes, not scores"
        )
    return lines


def _other_labels(pairs: Sequence[Pair], classes: Sequence[str]) -> list[str]:
    """A line per column of own labels of which some are no classes: nothing can be learned from these.

    Nothing is said of labels of another kind altogether, such as polarities beside sarcasm.
    """
    known = {name.casefold() for name in classes}
    columns = {
        "text_label": [pair.text_label for pair in pairs],
        "image_label": [pair.image_label for pair in pairs],
    }
    lines = []
    for column, values in columns.items():
        found = [value for value in values if value is not None]
        others = Counter(value for value in found if value not in classes)
        if others and any(value.casefold() in known for value in found):
            lines.append(
                f"{column} is none of the classes in {others.total():,} of {len(pairs):,} posts and not learned from "
                f"there: {some(others)}"
            )
    return lines


def _classes(labels: set[str]) -> tuple[str, ...]:
    return SENTIMENT if labels == set(SENTIMENT) else tuple(sorted(labels))
