"""Finding a model's files: a local folder, or a Hugging Face id from the cache or the hub."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError
from safetensors import SafetensorError, safe_open

from sentipair.errors import UserError

PATTERNS = ("*.json", "*.txt", "*.model", "model*.safetensors")
IDENTITY = (
    "config.json",
    "preprocessor_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
)


def locate(source: str | Path) -> Path:
    """The local folder that holds the model ``source`` (a folder, or a Hugging Face id).

    A Hugging Face id is taken from the local cache or downloaded; ``HF_HUB_OFFLINE=1`` forbids the download.

    Raises:
        UserError: nothing there, or the folder lacks files or has half of one; the message names them.
    """
    folder = Path(source).expanduser()
    if not folder.is_dir():
        try:
            folder = Path(snapshot_download(str(source), allow_patterns=list(PATTERNS)))
        except (OSError, ValueError, HfHubHTTPError) as error:
            raise UserError(
                f"model {str(source)!r} is neither a local folder nor in the Hugging Face cache, and the hub did not "
                f"give it ({type(error).__name__}); name a folder with config.json and model.safetensors"
            ) from error
    expected = ["config.json", *_parts(folder)]
    lacking = [name for name in expected if not (folder / name).is_file()]
    if lacking:
        raise UserError(
            f"{folder} lacks {', '.join(lacking)}; download them, or save the model with save_pretrained()"
        )
    for file in weight_files(folder):
        try:
            with safe_open(file, framework="np"):  # compares the header with the length of the file
                pass
        except SafetensorError as error:
            raise UserError(
                f"{file} is not whole (an interrupted download?); delete it and download it again"
            ) from error
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


def revisions(encoders: Mapping[str, str]) -> dict[str, str]:
    """``folder_revision`` of those of ``encoders``, by what they read, that are local folders with weights."""
    folders = {kind: Path(name) for kind, name in encoders.items() if Path(name).is_absolute()}
    return {kind: folder_revision(folder) for kind, folder in folders.items() if weight_files(folder)}


def _parts(folder: Path) -> list[str]:
    """The names of the weight files that a model folder should have."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return ["model.safetensors"]
    try:
        return sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    except (ValueError, KeyError) as error:
        raise UserError(f"{index} is damaged; download it again") from error
