"""CH-Mits: Chinese posts, positive or negative, with a large model's rationales for both readings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from sentipair.data.pair import Pair
from sentipair.data.readers.registry import Reader, register
from sentipair.data.rows import read_records
from sentipair.errors import UserError

CLASSES = ("positive", "negative")
LABELS = {"1": "positive", "0": "negative"}
TABLES = ("chmits_llm_result.tsv", "chmits_llm.tsv", "llm_rationales.tsv")
"""The names of the table in the repositories of MPT+ and MPT, and one that tells what is in it; the first is read."""


@register
class CHMits(Reader):
    """2,023 posts, 1,023 positive and 1,000 negative; no official split."""

    name = "ch-mits"
    title = "2,023 Chinese posts, positive or negative, each with a rationale for both"
    classes = CLASSES
    citation = (
        "Posts: PEMNet, CIKM 2024. Rationales: Ma, Xu, Li, Fu: Multimodal Sentiment Analysis with "
        "Multi-Perspective Thinking via Large Multimodal Models. CIKM 2025."
    )
    source = "https://github.com/RMJHQwQ/MPT_plus (chmits_llm_result.tsv), pictures Marblrdumdore/CH-Mits"
    layout = f"{' or '.join(TABLES)} and, where available, the pictures it names"
    needs = TABLES

    def read(self, root: Path, variant: str) -> tuple[list[Pair], list[str]]:
        """One pair per record; a post is called by the folder of its picture, such as ``p12`` or ``n7``."""
        path = next(root / name for name in TABLES if (root / name).exists())
        records = read_records(path)
        if not records:
            raise UserError(f"{path} is empty; restore the file")
        return [
            _pair(record, root, place=f"{path}, record {n}") for n, record in enumerate(records, start=1)
        ], []


def _pair(fields: Sequence[str], root: Path, *, place: str) -> Pair:
    """Label, picture, text, positive and negative rationale."""
    picture = PurePosixPath(fields[1].replace("\\", "/")).parts[-3:] if len(fields) == 5 else ()
    if len(picture) < 3 or fields[0] not in LABELS:
        raise UserError(
            f"{place}: expected label, picture, text and two rationales between tabs; restore the file"
        )
    label, _, text, positive, negative = fields
    return Pair(
        id=picture[-2],
        text=text,
        image=root.joinpath(*picture),
        label=LABELS[label],
        rationales={"positive": positive, "negative": negative},
    )
