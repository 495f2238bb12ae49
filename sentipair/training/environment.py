"""What a run was made with: versions, processor, code and data."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from sentipair.data import PairDataset, all_readers
from sentipair.data.tables import table_file
from sentipair.errors import UserError
from sentipair.files import is_file, is_folder

PACKAGES = ("sentipair", "torch", "transformers", "openvino", "numpy", "scikit-learn", "pillow", "tokenizers")


def environment(dataset: PairDataset, source: str | None = None) -> dict[str, object]:
    """Versions, processor or GPU, git revision of the code (where it is a checkout) and fingerprints of the data.

    ``data`` covers all that a model may read, ``posts`` leaves out the rationales: models with and without them are
    compared on the same posts. ``own_labels`` are those of text and picture by themselves, ``table`` the bytes of an
    own table, whose path is ``source``.
    """
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": str(capabilities.get("cpu_name") or platform.processor()),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "git": _git_revision(),
        "data": dataset.fingerprint,
        "posts": dataset.without_rationales.fingerprint,
        "own_labels": dataset.own_labels,
        "table": table_digest(source),
    }


def table_digest(source: str | None) -> str | None:
    """SHA-256 of an own table, or of the one in a folder; None for a named data set, or where it is gone."""
    if source is None or source in all_readers() or not (is_file(source) or is_folder(source)):
        return None
    try:
        with table_file(Path(source)).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, UserError):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_revision() -> str | None:
    """The commit of a checkout, with ``-dirty`` where files differ from it; None where the code was installed."""
    try:
        _git(
            "ls-files", "--error-unmatch", Path(__file__).name
        )  # an environment may lie inside another checkout
        return _git("describe", "--always", "--dirty", "--exclude=*")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
