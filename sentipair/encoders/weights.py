"""Finding a model's files: a local folder, or a Hugging Face id from the cache or the hub."""

from __future__ import annotations

import hashlib
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

from sentipair.errors import UserError

PATTERNS = ("*.json", "*.txt", "*.model", "model*.safetensors")
IDENTITY = (
    "config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
)


def locate(source: str | Path) -> Path:
    """The local folder that holds the model ``source`` (a folder, or a Hugging Face id).

    A Hugging Face id is taken from the local cache or downloaded; ``HF_HUB_OFFLINE=1`` forbids the download.

    Raises:
        UserError: nothing there, or the folder lacks files; the message names them.
    """
    folder = Path(source).expanduser()
    if not folder.is_dir():
        try:
            folder = Path(snapshot_download(str(source), allow_patterns=list(PATTERNS)))
        except (
            OSError,
            ValueError,
            HfHubHTTPError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
        ) as error:
            raise UserError(
                f"model {str(source)!r} is neither a local folder nor in the Hugging Face cache, and the hub did not "
                f"give it ({type(error).__name__}); name a folder with config.json and model.safetensors"
            ) from error
    if not (folder / "config.json").exists():
        raise UserError(f"{folder} lacks config.json; a model folder holds config.json and model.safetensors")
    if not weight_files(folder):
        raise UserError(f"{folder} lacks model.safetensors; save the model with save_pretrained()")
    return folder


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model folder, in order."""
    return sorted(folder.glob("model*.safetensors"))


def revision(files: list[Path]) -> str:
    """Sixteen hex digits of SHA-256 over names and contents of ``files``: the same weights, the same revision."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]


def folder_revision(folder: Path) -> str:
    """``revision`` of everything in a model folder that changes its outputs."""
    named = [folder / name for name in IDENTITY if (folder / name).exists()]
    return revision(named + weight_files(folder))
