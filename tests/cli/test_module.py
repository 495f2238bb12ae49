"""The command line as a module."""

from __future__ import annotations

import subprocess
import sys


def test_the_package_runs_as_a_module() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "sentipair", "data", "list"], capture_output=True, text=True, check=True
    )
    assert "mvsa-single" in found.stdout
