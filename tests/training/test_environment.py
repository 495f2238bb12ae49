"""The record of what a run was made with."""

from __future__ import annotations

import json
import subprocess

import numpy
import pytest
import torch

from sentipair.training import environment as module
from sentipair.training.environment import environment


def test_versions_and_data_are_recorded() -> None:
    record = environment(data_fingerprint="abc")
    assert record["data"] == "abc"
    packages = record["packages"]
    assert isinstance(packages, dict)
    assert packages["numpy"] == numpy.__version__
    assert packages["torch"].split("+")[0] == torch.__version__.split("+")[0]
    json.dumps(record)


def test_installed_code_has_no_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: str) -> str:
        raise subprocess.CalledProcessError(1, "git")

    monkeypatch.setattr(module, "_git", refuse)
    assert environment(data_fingerprint="")["git"] is None
