"""Memory: when Python looks for what is no longer used, and what the C library keeps of what was freed."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

# settings of the C library, numbered as in glibc's malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
GIB = 2**30


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
    _ask_c_library("malloc_trim", 0)


def keep_memory() -> None:
    """Use freed memory again instead of asking the operating system for new pages: for training.

    Every step allocates the same large tensors. With pages of their own for each, an epoch of SPP-SCL at the paper's
    size takes a tenth longer.
    """
    for setting in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
        _ask_c_library("mallopt", setting, GIB)


def share_memory() -> None:
    """Let all threads, and all pictures one after the other, use the same memory: for work that goes on for hours.

    By default every thread keeps what it has freed for itself (glibc), which adds up to hundreds of megabytes; and
    Pillow asks the operating system for the pages of every picture anew, which takes as long as decoding it.
    """
    _ask_c_library("mallopt", M_ARENA_MAX, 2)
    Image.core.set_blocks_max(8)  # type: ignore[attr-defined]


def _ask_c_library(name: str, *numbers: int) -> None:
    """Call one of glibc's functions, where there is glibc."""
    if sys.platform == "linux":
        function = getattr(ctypes.CDLL(None), name, None)
        if function is not None:
            function(*numbers)
