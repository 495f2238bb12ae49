"""The page on adding a model is true: its file, recipe and test work as they stand there."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sentipair import models
from sentipair.models import base
from sentipair.training.config import build_config

from .models.cases import ModelCase
from .pages import ROOT, blocks

PAGE = ROOT / "docs" / "adding-a-model.md"
FILE, TEST = (block.text for block in blocks(PAGE, "python"))


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[models.PairModel]]:
    """The page's model, registered for as long as these tests run."""
    path = tmp_path_factory.mktemp("added") / "gated_mean.py"
    path.write_text(FILE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("gated_mean", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gated_mean"] = module
    spec.loader.exec_module(module)
    yield module.GatedMean
    del base._REGISTRY["gated-mean"], sys.modules["gated_mean"]


CASES = [name for name in vars(ModelCase) if name.startswith("test_")]


@pytest.mark.parametrize("name", CASES)
def test_the_model_passes_the_common_tests(name: str, added: type[models.PairModel], tmp_path: Path) -> None:
    case = type("Case", (ModelCase,), {"model": added})()
    test = getattr(case, name)
    wanted = test.__func__.__code__.co_varnames[1 : test.__func__.__code__.co_argcount]
    given = {"variant": {}, "sound": {}, "tmp_path": tmp_path}
    test(**{argument: given[argument] for argument in wanted})


def test_the_recipe_is_a_configuration(added: type[models.PairModel]) -> None:
    (block,) = blocks(PAGE, "yaml")
    recipe = yaml.safe_load(block.text)
    config = build_config(
        {
            "model": {"name": "gated-mean"},
            "objective": {"name": recipe["objective"]},
            "training": recipe["fidelity"]["sound"]["training"],
            "data": {"source": "posts.csv"},
            "encoders": {"text": "t", "image": "i"},
        }
    )
    assert config.model == {"name": "gated-mean", "dim": 64, "dropout": 0.5}


def test_the_test_is_three_lines() -> None:
    assert [line for line in TEST.splitlines() if line][-1] == "    model = GatedMean"
    assert TEST.count("import") == 2
