"""HFM: tweets with pictures for sarcasm detection (Cai et al. 2019), as released or as in CLMLF."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sentipair.data.pair import SARCASM, Pair
from sentipair.data.readers.clmlf import Row, read_rows
from sentipair.data.readers.registry import Reader, register
from sentipair.data.text import decode
from sentipair.errors import UserError
from sentipair.progress import track

FILES = {
    "train": ("splits/train.json", "splits/train.original.txt", "text/train.txt"),
    "validation": ("splits/valid.json", "splits/valid2.original.txt", "text/valid2.txt"),
    "test": ("splits/test.json", "splits/test2.original.txt", "text/test2.txt"),
}
"""Where each part may lie; the first that exists is read. ``text/`` is the authors' own layout."""

PICTURES = ("dataset_image", "images")

ATTRIBUTES = ("image_attributes.txt", "extract/extract_all")
"""The first that exists: a plain name, or the authors' own layout. Lines ``[id, word, word, word, word, word]``: what
the authors' classifier sees in the pictures."""

GIVEAWAYS = frozenset(
    {
        "exgag",
        "sarcasm",
        "sarcastic",
        "reposting",
        "<url>",
        "joke",
        "jokes",
        "humour",
        "humor",
        "irony",
        "ironic",
    }
)
"""Posts with one of these words are dropped: the hashtags by which they were collected, and links."""


@register
class HFM(Reader):
    """``official`` drops posts with a giveaway word as a token, ``substring`` also where it is in a word."""

    name = "hfm"
    title = "24,635 tweets; substring leaves 24,317 of them (DIP, DynRT)"
    classes = SARCASM
    variants = ("official", "substring")
    text_steps = ("unify-numbers", "spell-placeholders", "collapse-blanks")
    citation = (
        "Cai, Cai, Wan: Multi-Modal Sarcasm Detection in Twitter with Hierarchical Fusion Model. ACL 2019."
    )
    source = "https://github.com/headacheboy/data-of-multimodal-sarcasm-detection"
    layout = "splits/{train,valid,test}.json or text/{train,valid2,test2}.txt, and dataset_image/<id>.jpg"
    needs = tuple(path for paths in FILES.values() for path in paths)

    def read(self, root: Path, variant: str) -> tuple[list[Pair], list[str]]:
        """The posts of all three parts, in their order, without those that give their label away."""
        pictures = next((root / name for name in PICTURES if (root / name).is_dir()), root / PICTURES[0])
        rows = [row for part in FILES for row in _rows(root, part)]
        kept = [row for row in track(rows, "reading texts") if not gives_away(row.text, variant=variant)]
        words = _attributes(root)
        pairs = [
            Pair(
                id=row.id,
                text=row.text,
                image=pictures / f"{row.id}.jpg",
                label=_label(row),
                attributes=words.get(row.id, ()),
            )
            for row in kept
        ]
        dropped = len(rows) - len(kept)
        problem = (
            f"{dropped:,} of {len(rows):,} posts left out by {variant}, a word in them gives the label away"
        )
        return pairs, [problem] if dropped else []


def gives_away(text: str, *, variant: str) -> bool:
    """Whether a text has one of ``GIVEAWAYS``, as a token (``official``) or anywhere (``substring``)."""
    if variant == "substring":
        return any(word in text for word in GIVEAWAYS)
    return not GIVEAWAYS.isdisjoint(text.split())


def _rows(root: Path, part: str) -> list[Row]:
    path = next((root / name for name in FILES[part] if (root / name).is_file()), None)
    if path is None:
        raise UserError(
            f"hfm: the {part} part is missing in {root}, looked for {', '.join(FILES[part])}; add it"
        )
    return read_rows(path) if path.suffix == ".json" else _original_rows(path)


def _label(row: Row) -> str:
    if row.code not in (0, 1):
        raise UserError(f"hfm: post {row.id} has the label {row.code}, expected 0 or 1; fetch its file again")
    return SARCASM[row.code]


def _attributes(root: Path) -> dict[str, tuple[str, ...]]:
    """Post id → the words that name what is in its picture; empty where no such file is there."""
    path = next((root / name for name in ATTRIBUTES if (root / name).is_file()), None)
    if path is None:
        return {}
    lines = (fields for _, fields in _lists(path, "id and words"))
    return {str(fields[0]): tuple(map(str, fields[1:])) for fields in lines}


def _original_rows(path: Path) -> list[Row]:
    """Lines ``[id, text, label]`` or ``[id, text, hashtag label, human label]``; the last label counts."""
    rows = []
    for number, fields in _lists(path, wanted := "id, text, label"):
        try:
            rows.append(Row(str(fields[0]), fields[1], int(fields[-1])))
        except (ValueError, LookupError, TypeError) as error:
            raise _no_list(path, number, wanted) from error
    return rows


def _lists(path: Path, wanted: str) -> Iterator[tuple[int, list[Any]]]:
    """Line numbers from 1 and the list that each line that is not empty holds."""
    for number, line in enumerate(decode(path.read_bytes()).split("\n"), start=1):
        if line.strip():
            try:
                fields = ast.literal_eval(line)
            except (ValueError, SyntaxError) as error:
                raise _no_list(path, number, wanted) from error
            if not isinstance(fields, list) or not fields:
                raise _no_list(path, number, wanted)
            yield number, fields


def _no_list(path: Path, number: int, wanted: str) -> UserError:
    return UserError(f"{path}, line {number} is no list of {wanted}; fetch the file again")
