"""Cores and threads."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

import pytest
import torch

from sentipair.devices import at_most_threads


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be bound to cores here")
def test_a_process_bound_to_one_core_has_one() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from sentipair.devices import cores; print(cores())"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"1"
    )


def test_threads_are_limited_and_given_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with suppress(KeyError), at_most_threads(1):
        assert torch.get_num_threads() == 1
        raise KeyError
    assert torch.get_num_threads() == 2
    with at_most_threads(5):
        assert torch.get_num_threads() == 2  # more were not asked for
    torch.set_num_threads(before)
