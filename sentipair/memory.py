"""Memory: when Python looks for what is no longer used, and what the C library keeps of it."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

M_ARENA_MAX = -8
"""What ``malloc.h`` calls the number of memory pools."""


@contextmanager
def lasting_objects() -> Iterator[None]:
    """What is made meanwhile lasts: no garbage is looked for, and in what is there by then never again.

    Large libraries make a million objects when they are imported, through all of which Python would go several times,
    and once more whenever much has been computed. It concerns the whole process; unused objects that refer to each
    other, if there are any by then, are kept.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


def give_memory_back() -> None:
    """Return freed memory to the operating system, where the C library can (glibc).

    Extraction frees hundreds of megabytes in pieces; without this they stay resident for the rest of the run.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def share_memory() -> None:
    """Let all threads, and all pictures one after the other, use the same memory: for work that goes on for hours.

    By default every thread keeps what it has freed for itself (glibc), which adds up to hundreds of megabytes; and
    Pillow asks the operating system for the pages of every picture anew, which takes as long as decoding it.
    """
    if sys.platform == "linux":
        settle = getattr(ctypes.CDLL(None), "mallopt", None)
        if settle is not None:
            settle(M_ARENA_MAX, 2)
    Image.core.set_blocks_max(8)  # type: ignore[attr-defined]
