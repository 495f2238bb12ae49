"""The record of what a run was made with."""

from __future__ import annotations

import json
import subprocess

import numpy
import pytest
import torch

from sentipair.data import Pair, PairDataset
from sentipair.training import environment as module
from sentipair.training.environment import environment

POSTS = PairDataset(
    name="posts",
    variant="as-given",
    scheme="none",
    classes=("good", "bad"),
    pairs=(Pair(id="1", text="hello", label="good", rationales={"good": "it greets"}),),
    splits={"train": ("1",)},
)


def test_versions_and_data_are_recorded() -> None:
    record = environment(POSTS)
    assert record["data"] == POSTS.fingerprint
    packages = record["packages"]
    assert isinstance(packages, dict)
    assert packages["numpy"] == numpy.__version__
    assert packages["torch"].split("+")[0] == torch.__version__.split("+")[0]
    json.dumps(record)


def test_installed_code_has_no_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: str) -> str:
        raise subprocess.CalledProcessError(1, "git")

    monkeypatch.setattr(module, "_git", refuse)
    assert environment(POSTS)["git"] is None


def test_rationales_do_not_make_other_posts() -> None:
    with_rationales, without = environment(POSTS), environment(POSTS.without_rationales)
    assert with_rationales["posts"] == without["posts"] == without["data"]
    assert with_rationales["data"] != without["data"]
