"""Tensors as a safetensors file, written one after the other: the library's ``save`` holds two more copies of all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from sentipair.files import atomic_write

KINDS = {
    torch.int64: "I64",
    torch.float64: "F64",
    torch.float32: "F32",
    torch.int32: "I32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""What the format calls them, in the order in which the library writes them: large elements first, so that all tensors
start at a multiple of their element's size."""


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write ``tensors`` to ``path``, whole or not at all; equal arguments give equal bytes.

    Raises:
        UserError: the folder cannot be written to, or the disk is full.
    """
    header: dict[str, object] = {} if metadata is None else {"__metadata__": dict(sorted(metadata.items()))}
    kinds = list(KINDS)
    names = sorted(tensors, key=lambda name: (kinds.index(tensors[name].dtype), name))
    end = 0
    for name in names:
        start, end = end, end + tensors[name].nbytes
        kind = KINDS[tensors[name].dtype]
        header[name] = {"dtype": kind, "shape": list(tensors[name].shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with atomic_write(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in names:
            values = tensors[name].detach().cpu().contiguous()
            file.write(values.reshape(-1).view(torch.uint8).numpy().data)
