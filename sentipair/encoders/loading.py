"""Reading configurations, tokenizers and networks from a model folder: quietly, or with one line of error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sentipair.errors import UserError

VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spm.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)
OWN_CODE = {"trust_remote_code": False}
"""Given everywhere: without it transformers asks on standard input whether to run code that comes with a model."""

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def load_config(folder: Path) -> Any:
    """The network's configuration."""
    from transformers import AutoConfig

    with _reading(folder):
        return AutoConfig.from_pretrained(folder, **OWN_CODE)


def load_tokenizer(folder: Path, *, first_is_cls: bool = True) -> Any:
    """The tokenizer that belongs to a BERT-like network; without ``first_is_cls`` any two tokens may be put around.

    Raises:
        UserError: the folder has none, or one that does not put texts between [CLS] and [SEP].
    """
    from transformers import AutoTokenizer

    if not any(
        (folder / name).is_file() for name in VOCABULARIES
    ):  # transformers would go on with an empty one
        raise UserError(f"{folder} lacks tokenizer.json; save the tokenizer there with save_pretrained()")
    with _reading(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=True, **OWN_CODE)
        ends = tokenizer("")["input_ids"]
    marks = (tokenizer.cls_token_id, tokenizer.sep_token_id)
    if len(ends) != 2 or (first_is_cls and tuple(ends) != marks):
        raise UserError(
            f"{folder}: its tokenizer does not put texts between [CLS] and [SEP]; choose a BERT-like encoder"
        )
    return tokenizer


def load_network(folder: Path, *, auto: str = "AutoModel", **settings: Any) -> nn.Module:
    """The network in single precision with all its weights; a pooler may lack them, nothing here uses it.

    ``auto`` names the class of transformers that chooses the network.

    Raises:
        UserError: the weights are not those of the network in config.json.
    """
    import transformers

    with _reading(folder):
        network, report = getattr(transformers, auto).from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, **OWN_CODE, **settings
        )
    lacking = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if lacking:
        raise UserError(
            f"{folder}: model.safetensors lacks {len(lacking)} weights of the network in config.json, the first is "
            f"{lacking[0]}; save both together with save_pretrained()"
        )
    for name in report["missing_keys"]:  # drawn anew at every loading, which an exported encoder would show
        nn.init.zeros_(network.get_parameter(name))
    return network.eval()  # type: ignore[no-any-return]


def network_without_weights(config: Any) -> nn.Module:
    """The network on the "meta" device, for shapes."""
    from transformers import AutoModel

    with quiet(), torch.device("meta"):
        return AutoModel.from_config(config, **OWN_CODE).eval()  # type: ignore[no-any-return]


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' log lines and progress bars."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """Turn what a network cannot do into one line.

    Raises:
        UserError: it cannot be traced, or cannot be given these inputs.
    """
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:  # networks of transformers raise many kinds
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(f"the model in {folder} cannot be used as an encoder: {reason}") from error


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    try:
        with quiet():
            yield
    except Exception as error:  # transformers raises many kinds for files it cannot read
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(f"cannot read the model in {folder}: {reason}") from error
