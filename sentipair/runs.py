"""Where the seeds of a run are: folders ``seed-0``, ``seed-1``, … in the folder of the run."""

from __future__ import annotations

import re
from pathlib import Path


def seed_folder(run: Path, seed: int) -> Path:
    """Where the run of a seed is."""
    return run / f"seed-{seed}"


def seed_folders(run: Path) -> list[Path]:
    """The seeds that are there, finished or not, by number; a folder of another name, such as a copy, is none."""
    found = [path for path in run.glob("seed-*") if path.is_dir() and re.fullmatch(r"seed-\d+", path.name)]
    return sorted(found, key=seed_number)


def seed_number(folder: Path) -> int:
    """The seed of a folder that ``seed_folders`` gave."""
    return int(folder.name.removeprefix("seed-"))
