"""What lasts is not looked through for garbage."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sentipair.memory import lasting_objects


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


def test_what_is_made_meanwhile_is_kept_out_of_later_collections() -> None:
    gc.unfreeze()
    with lasting_objects():
        assert not gc.isenabled()
        made = [[] for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() > len(made)


@pytest.mark.parametrize("collecting", [True, False])
def test_collection_is_left_as_it_was_found(collecting: bool) -> None:
    gc.enable() if collecting else gc.disable()
    with pytest.raises(KeyError), lasting_objects():
        {}["absent"]
    assert gc.isenabled() == collecting


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc")
def test_freed_memory_is_used_again() -> None:
    code = (
        "import resource, numpy\n"
        "from sentipair.memory import keep_memory\n"
        "def new_pages():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    for _ in range(20):\n"
        "        numpy.ones(5_000_000)\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "usually = new_pages()\n"
        "keep_memory()\n"
        "new_pages()\n"
        "print(usually > 10 * new_pages())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
