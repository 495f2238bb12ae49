"""Where the seeds of a run are: folders ``seed-0``, ``seed-1``, … in the folder of the run; and reading its files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sentipair.errors import UserError

RESULT = "result.json"
"""Marks a finished seed."""

CLEAN = "posts of which neither text nor picture is in train, or in what an encoder was fine-tuned on"
"""What every table means by ``clean``."""


def seed_folder(run: Path, seed: int) -> Path:
    """Where the run of a seed is."""
    return run / f"seed-{seed}"


def seed_folders(run: Path) -> list[Path]:
    """The seeds that are there, finished or not, by number; a folder of another name, such as a copy, is none."""
    found = [path for path in run.glob("seed-*") if path.is_dir() and re.fullmatch(r"seed-\d+", path.name)]
    return sorted(found, key=seed_number)


def refuse_run(folder: Path) -> None:
    """Keep other files out of a run.

    Raises:
        UserError: ``folder`` is a run or one of its seeds.
    """
    if (folder / RESULT).exists() or seed_folders(folder):
        raise UserError(f"{folder} is a run, which other files would damage; choose another folder")


def seed_number(folder: Path) -> int:
    """The seed of a folder that ``seed_folders`` gave."""
    return int(folder.name.removeprefix("seed-"))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, empty where there is no such file.

    Raises:
        UserError: the file is damaged.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (TypeError, ValueError) as error:
        raise damaged(path) from error


def damaged(path: Path) -> UserError:
    """What to say of a file that cannot be read; a run without its result is evaluated and written again."""
    names = " and ".join(dict.fromkeys((path.name, RESULT)))
    return UserError(f"{path} is damaged; delete {names} there and repeat the command that wrote the run")
