"""Names of lazy packages: all there, and importing one does not import the others."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest


@pytest.mark.parametrize("package", ["sentipair.data", "sentipair.encoders", "sentipair.inference"])
def test_every_name_is_there_and_no_other(package: str) -> None:
    module = import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = module.nothing


def test_preprocessing_and_posts_need_no_torch() -> None:
    code = (
        "import sys; from sentipair.encoders.preprocessing import Preprocessing; "
        "from sentipair.inference.base import BasePredictor; "
        "print(sorted({'torch', 'pyarrow', 'transformers', 'rich'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
