"""Writing a sample data set: as many pairs of every kind as the design says, no picture or text twice."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentipair.data.duplicates import DHASH_LIMIT, PHASH_LIMIT, picture_key, text_key
from sentipair.data.pair import PairDataset
from sentipair.data.readers import load_dataset
from sentipair.data.samples.design import Cell, Task, apportion, joint
from sentipair.data.samples.grammar import write_text
from sentipair.data.samples.scene import draw_picture
from sentipair.errors import UserError
from sentipair.files import explain_os_error
from sentipair.progress import track

FRACTIONS = {"train": 0.6, "validation": 0.2, "test": 0.2}
"""Shares of the splits; 600 pairs, half of them disagreeing, come out even in every kind."""

SMALLEST = 30

ATTEMPTS = 1000
"""So often is a picture or text drawn again that resembles an earlier one, before the generator gives up."""


def generate(
    folder: Path, *, task: Task = "sentiment", size: int = 600, seed: int = 0, disagreement: float = 0.5
) -> PairDataset:
    """Draw ``size`` pairs into a new ``folder``: ``images/*.jpg`` and ``metadata.jsonl``.

    The table has the columns ``file_name, id, text, split, text_label, image_label, label``. The kinds of
    pairs are counted out, not drawn: in every split they follow ``joint`` as closely as whole numbers allow.
    No text (letters and digits) and no near-identical picture occurs twice. The folder appears when it is
    complete. One seed gives the same bytes with the same versions of Pillow and numpy.

    Raises:
        UserError: ``folder`` exists or cannot be written, ``size`` is below ``SMALLEST`` or more than the
            grammar can say, or task or disagreement are not what ``joint`` allows.
    """
    if size < SMALLEST:
        raise UserError(
            f"a sample of {size} pairs is too small for three splits; ask for at least {SMALLEST}"
        )
    folder = Path(folder)
    if folder.exists():
        raise UserError(f"{folder} exists already; remove it or choose another folder")
    rng = np.random.default_rng(seed)
    plan = _plan(joint(task, disagreement), size, rng)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as name:
            draft = Path(name) / "sample"
            (draft / "images").mkdir(parents=True)
            _write_pairs(draft, plan, rng)
            draft.rename(folder)
    except OSError as error:
        raise explain_os_error(error, folder) from error
    return load_dataset(folder)


def _plan(shares: Mapping[Cell, float], size: int, rng: np.random.Generator) -> list[tuple[str, Cell]]:
    """The split and kind of every pair: counted out within each split, then shuffled."""
    plan = []
    for split, count in apportion(size, FRACTIONS).items():
        cells = [cell for cell, times in apportion(count, shares).items() for _ in range(times)]
        plan += [(split, cells[i]) for i in rng.permutation(count)]
    return plan


def _write_pairs(folder: Path, plan: Sequence[tuple[str, Cell]], rng: np.random.Generator) -> None:
    texts: set[str] = set()
    looks = np.zeros((2, len(plan)), dtype=np.uint64)
    lines = []
    for number, (split, cell) in enumerate(track(plan, "drawing the sample data")):
        text = _new_text(cell, texts, rng)
        picture, looks[:, number] = _new_picture(cell, looks[:, :number], rng)
        name = f"images/{number:05d}.jpg"
        (folder / name).write_bytes(picture)
        row = {"file_name": name, "id": f"{number:05d}", "text": text, "split": split, **cell._asdict()}
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    (folder / "metadata.jsonl").write_text("".join(lines), encoding="utf-8")


def _new_text(cell: Cell, taken: set[str], rng: np.random.Generator) -> str:
    for _ in range(ATTEMPTS):
        text = write_text(cell.text_label, rng)
        key = text_key(text, "alphanumeric")
        if key not in taken:
            taken.add(key)
            return text
    raise UserError(f"the grammar has no new texts after {len(taken):,} pairs; ask for fewer")


def _new_picture(
    cell: Cell, taken: NDArray[np.uint64], rng: np.random.Generator
) -> tuple[bytes, tuple[int, int]]:
    """A JPEG near-identical to none of the ``taken`` (pHash, dHash), ``[2, N]``, and its own two hashes."""
    for _ in range(ATTEMPTS):
        buffer = io.BytesIO()
        draw_picture(cell.image_label, rng).save(buffer, "JPEG", quality=88)
        key = picture_key(buffer.getvalue())
        apart = np.bitwise_count(taken ^ np.array([[key.phash], [key.dhash]], dtype=np.uint64))
        if not ((apart[0] <= PHASH_LIMIT) & (apart[1] <= DHASH_LIMIT)).any():
            return buffer.getvalue(), (key.phash, key.dhash)
    raise UserError(f"no new pictures after {taken.shape[1]:,} pairs; ask for fewer")
