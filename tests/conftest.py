"""What all tests share: the place of the real data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real data sets; the test is skipped where there is none."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SENTIPAIR_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data: set SENTIPAIR_DATA, or put it in {default}")
    return folder
