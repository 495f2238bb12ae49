"""Frozen text encoders: the last hidden layers of a BERT-like network for every token of a text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentipair.encoders.engines import Engine, EngineChoice, split_batches
from sentipair.encoders.loading import (
    load_config,
    load_network,
    load_tokenizer,
    network_without_weights,
    quiet,
    running,
)
from sentipair.encoders.weights import folder_revision, locate
from sentipair.errors import UserError

BATCH = 16
LENGTH_STEP = 8
"""Batches are padded to multiples of this, which keeps the number of distinct shapes small for compiled engines."""

POSITIONS_AFTER_PADDING = frozenset(
    {
        "roberta",
        "xlm-roberta",
        "xlm-roberta-xl",
        "camembert",
        "roberta-prelayernorm",
        "mpnet",
        "data2vec-text",
        "xmod",
        "esm",
    }
)
"""Networks whose first position is numbered padding id + 1, so that not all of their positions can be used."""


TRACED_EAGERLY = frozenset({"modernbert"})
"""Networks whose attention within a window gives no numbers for far padding where OpenVINO fuses it."""

READS_PADDING = frozenset({"mobilebert", "convbert", "fnet"})
"""Networks in which a text's states depend on the padding behind it, and so on the texts beside it."""


class LastHiddenStates(nn.Module):
    """The outputs of the last ``last`` layers: token ids and mask [B, N] → [B, N, last, d]."""

    def __init__(self, network: nn.Module, last: int) -> None:
        super().__init__()
        self.network = network
        self.last = last

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Stack the hidden states, the top layer last."""
        output = self.network(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
        states = output.hidden_states or (
            output.last_hidden_state,
        )  # of a network without layers: embeddings
        return torch.stack(states[-self.last :], dim=2)


class TextEncoder:
    """A BERT-like network from a local folder or a Hugging Face id, with its tokenizer.

    Args:
        source: a folder with config.json, tokenizer and model.safetensors, or a Hugging Face id.
        last: how many of the last layers to give.
        max_length: tokens including [CLS] and [SEP]; longer texts are cut.
        pad_to: pad every text to this length and give the states of the padding as well, as the released SPP-SCL
            code does; ``None`` gives each text at its own length.
        engine: what ``choose_engine`` decided.

    Raises:
        UserError: no such model, its folder is incomplete, it takes no texts or has fewer layers.
    """

    first_is_cls = True

    def __init__(
        self,
        source: str | Path,
        *,
        last: int = 4,
        max_length: int = 128,
        pad_to: int | None = None,
        engine: EngineChoice,
    ) -> None:
        self.folder = locate(source)
        self.config = self.configuration()
        if last > int(self.config.num_hidden_layers):
            raise UserError(f"{source} has {self.config.num_hidden_layers} layers, {last} were asked for")
        self.tokenizer = load_tokenizer(self.folder, first_is_cls=self.first_is_cls)
        self._tokenizing = Lock()  # a tokenizer that changes its settings must not be in use
        self.pad_id = int(self.tokenizer.pad_token_id or 0)
        self.last = last
        unused = self.pad_id + 1 if self.model_type in POSITIONS_AFTER_PADDING else 0
        self.max_length = min(pad_to or max_length, int(self.config.max_position_embeddings) - unused)
        self.pad_to = None if pad_to is None else self.max_length
        self.engine_choice = engine

    def configuration(self) -> Any:
        """The network's configuration.

        Raises:
            UserError: it takes no texts, or cannot be used here.
        """
        config = load_config(self.folder)
        if reason := _unfit(config):
            raise UserError(
                f"{self.folder} is a {config.model_type} model, {reason}; choose a BERT-like encoder"
            )
        return config

    @property
    def model_type(self) -> str:
        """The kind of network."""
        return str(self.config.model_type)

    @property
    def dim(self) -> int:
        """Width d of the hidden states."""
        return int(self.config.hidden_size)

    def load(self, *, pretrained: bool) -> nn.Module:
        """The network; without ``pretrained`` on the "meta" device, for shapes."""
        if pretrained:
            eager = self.model_type in TRACED_EAGERLY and self.engine_choice.name == "openvino"
            return load_network(self.folder, **({"attn_implementation": "eager"} if eager else {}))
        return network_without_weights(self.config)

    @cached_property
    def engine(self) -> Engine:
        """The compiled network; made at first use, so that a warm feature store never loads the weights."""
        network = self.load(pretrained=True)
        ids = torch.full((2, LENGTH_STEP), self.pad_id + 1)
        with running(self.folder):
            return self.engine_choice.compile(
                LastHiddenStates(network, self.last), (ids, torch.ones_like(ids))
            )

    def release(self) -> None:
        """Forget the compiled network; it is made again when needed."""
        self.__dict__.pop("engine", None)

    def describe(self) -> dict[str, object]:
        """Everything that the output depends on, except the text."""
        return {
            "kind": "text",
            "model": self.model_type,
            "revision": folder_revision(self.folder),
            "last": self.last,
            "max_length": self.max_length,
            "pad_to": self.pad_to,
            "precision": self.engine_choice.precision,
        }

    def count_tokens(self, text: str) -> int:
        """Tokens of the whole text, [CLS] and [SEP] included; more than ``max_length`` means that it is cut."""
        with quiet(), self._tokenizing:
            return len(self.tokenizer(text)["input_ids"])

    def spans(self, text: str) -> list[tuple[int, int]]:
        """First and last character + 1 of every token that ``encode`` reads, without [CLS] and [SEP].

        Empty for a tokenizer that does not know.
        """
        if not self.tokenizer.is_fast:
            return []
        with self._tokenizing:
            read = self.tokenizer(
                text, truncation=True, max_length=self.max_length, return_offsets_mapping=True
            )
        return [(start, end) for start, end in read["offset_mapping"][1:-1]]

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float16]]:
        """Hidden states per text, each [N, last, d] with N its own number of tokens, [CLS] and [SEP] included.

        Texts of similar length share a batch; the grouping depends only on ``texts``.
        """
        if not texts:
            return []
        with self._tokenizing:
            ids = self.tokenizer(list(texts), truncation=True, max_length=self.max_length)["input_ids"]
        order = sorted(range(len(ids)), key=lambda i: (len(ids[i]), i))
        groups = list(split_batches(order, BATCH))
        outputs: list[NDArray[np.float16]] = [np.empty(0, np.float16)] * len(ids)
        states = self.engine.run(self._pad([ids[i] for i in group]) for group in groups)
        with running(self.folder):
            for group, batch in zip(groups, states, strict=True):
                for row, i in zip(batch, group, strict=True):
                    outputs[i] = row if self.pad_to else row[: len(ids[i])]
        return outputs

    def _pad(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        longest = max(len(row) for row in rows)
        length = self.pad_to or min(self.max_length, -(-longest // LENGTH_STEP) * LENGTH_STEP)
        ids = torch.full((len(rows), length), self.pad_id)
        mask = torch.zeros(len(rows), length, dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
            mask[i, : len(row)] = 1
        return ids, mask


def _unfit(config: Any) -> str | None:
    """Why a network cannot be the text encoder."""
    if hasattr(config, "text_config"):
        return "which is made of several networks"
    if not hasattr(config, "vocab_size"):
        return "which takes no texts"
    if config.is_encoder_decoder:
        return "which writes texts"
    if config.model_type in READS_PADDING:
        return "in which the padding behind a text changes it"
    return None
