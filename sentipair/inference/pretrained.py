"""Where a trained model comes from: a run, a folder, the package itself, or the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError

from sentipair.errors import UserError
from sentipair.models.persistence import CONFIG, WEIGHTS
from sentipair.runs import RESULT, read_json, seed_folders, seed_number

SHIPPED = Path(__file__).parents[1] / "pretrained"
"""The models that come with the package, a folder each."""

DEFAULT = "mvsa-single"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def find_model(source: str | Path | None = None) -> Path:
    """The folder that holds ``config.json`` and ``model.safetensors``.

    Args:
        source: a run folder, of several seeds the one with the best validation accuracy is taken; a folder with both
            files; the name of a shipped model; a Hugging Face id, from the local cache or downloaded
            (``HF_HUB_OFFLINE=1`` forbids the download); ``None`` for the shipped model ``mvsa-single``.

    Raises:
        UserError: there is no trained model.
    """
    name = DEFAULT if source is None else str(source)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return best_seed(folder)
    if name in shipped_models():
        return SHIPPED / name
    if HUB_ID.fullmatch(name) and not name.startswith("."):
        return _download(name)
    raise UserError(
        f"there is no trained model in {name}; give a folder that `sentipair train` wrote, a Hugging Face id, or "
        + " or ".join(shipped_models())
    )


def shipped_models() -> list[str]:
    """The names of the models that come with the package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{WEIGHTS}"))


def best_seed(folder: Path) -> Path:
    """``folder`` if it holds a model, else its ``seed-N`` with the best validation accuracy, then the lowest N.

    Raises:
        UserError: neither.
    """
    if (folder / WEIGHTS).is_file():
        return folder
    if any(folder.glob("head.*")):
        raise UserError(f"{folder} is an exported model; ask it with `python -m sentipair.portable {folder}`")
    scores = {}
    for seed in seed_folders(folder):
        if result := read_json(seed / RESULT):
            scores[seed] = result["splits"]["validation"]["metrics"]["accuracy"]
    if not scores:
        raise UserError(f"there is no trained model in {folder}; train one with `sentipair train`")
    return min(scores, key=lambda path: (-scores[path], seed_number(path)))


def _download(name: str) -> Path:
    try:
        return Path(snapshot_download(name, allow_patterns=[CONFIG, WEIGHTS]))
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise UserError(
            f"there is no trained model in {name}, neither as a folder nor in the Hugging Face cache, and the hub did "
            f"not give it ({type(error).__name__}); give a folder that `sentipair train` wrote"
        ) from error
