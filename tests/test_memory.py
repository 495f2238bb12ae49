"""What lasts is not looked through for garbage."""

from __future__ import annotations

import gc
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
