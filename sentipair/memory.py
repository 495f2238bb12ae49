"""Memory that was freed, but that the C library keeps for itself."""

from __future__ import annotations

import ctypes
import sys

from PIL import Image


def give_memory_back() -> None:
    """Return freed memory to the operating system, where the C library can (glibc).

    Extraction frees hundreds of megabytes in pieces; without this they stay resident for the rest of the run.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def keep_picture_memory() -> None:
    """Let Pillow use the memory of closed pictures again, at most eight blocks of 16 MB.

    Without this each picture gets new pages from the operating system, which costs as much as decoding it.
    """
    Image.core.set_blocks_max(8)  # type: ignore[attr-defined]
