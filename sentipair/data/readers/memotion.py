"""Memotion: memes with their text by OCR, and their sentiment (SemEval-2020 task 8)."""

from __future__ import annotations

from pathlib import Path

from sentipair.data.pair import SENTIMENT, Pair
from sentipair.data.readers.registry import Reader, register
from sentipair.data.rows import read_rows
from sentipair.errors import UserError

MERGED = {
    "very_positive": "positive",
    "positive": "positive",
    "neutral": "neutral",
    "negative": "negative",
    "very_negative": "negative",
}
COLUMNS = ("image_name", "text_ocr", "text_corrected", "overall_sentiment")


@register
class Memotion(Reader):
    """Five levels of sentiment merged to three: 4,160 positive, 2,201 neutral, 631 negative when complete."""

    name = "memotion"
    title = "6,992 memes with OCR text, five levels of sentiment merged to three"
    classes = SENTIMENT
    variants = ("three-class",)
    citation = (
        "Sharma et al.: SemEval-2020 Task 8: Memotion Analysis, the Visuo-Lingual Metaphor! SemEval 2020."
    )
    source = "https://www.kaggle.com/datasets/williamscott701/memotion-dataset-7k"
    layout = "labels.csv and images/<image_name>"
    needs = ("labels.csv",)

    def read(self, root: Path, variant: str) -> tuple[list[Pair], list[str]]:
        """One pair per row: the corrected text, or where it is empty the raw OCR text."""
        path = root / "labels.csv"
        columns, rows = read_rows(path)
        if missing := [name for name in COLUMNS if name not in columns]:
            raise UserError(f"{path} has no column {', '.join(missing)}; restore the released file")
        pairs = []
        for number, row in enumerate(rows, start=1):
            level = (row["overall_sentiment"] or "").strip()
            if level not in MERGED:
                raise UserError(
                    f"{path}, row {number}: {level!r} is none of {', '.join(MERGED)}; restore the file"
                )
            name = (row["image_name"] or "").strip()
            if not name:
                raise UserError(f"{path}, row {number} names no picture; restore the file")
            text = next(filter(str.strip, (row["text_corrected"] or "", row["text_ocr"] or "")), "")
            pairs.append(
                Pair(id=Path(name).stem, text=text, image=root / "images" / name, label=MERGED[level])
            )
        return pairs, []
