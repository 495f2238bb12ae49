"""Tensors as a safetensors file, written one after the other: the library's ``save`` holds two more copies of all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
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


def make_header(entries: Iterable[tuple[str, str, Sequence[int], int]], metadata: Mapping[str, str]) -> bytes:
    """What such a file begins with.

    Args:
        entries: name, kind, shape and number of bytes of each tensor, in the order in which they follow.
        metadata: what the file says besides.
    """
    described: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    end = 0
    for name, kind, shape, size in entries:
        start, end = end, end + size
        described[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(described, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # what follows stays aligned
    return len(text).to_bytes(8, "little") + text


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write ``tensors`` to ``path``, whole or not at all; equal arguments give equal bytes.

    Raises:
        UserError: the folder cannot be written to, or the disk is full.
    """
    kinds = list(KINDS)
    ordered = sorted(tensors.items(), key=lambda item: (kinds.index(item[1].dtype), item[0]))
    entries = [(name, KINDS[each.dtype], each.shape, each.nbytes) for name, each in ordered]
    with atomic_write(path) as file:
        file.write(make_header(entries, metadata or {}))
        for _, each in ordered:
            file.write(each.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
