"""The registry of models, and that nothing in it goes untested."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from sentipair.errors import UserError
from sentipair.models import SPPSCL, list_models, model_class, settings_of

from .cases import ModelCase


def test_every_registered_model_has_a_test_case() -> None:
    covered = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        module = importlib.import_module(f".{path.stem}", __package__)
        for _, found in inspect.getmembers(module, inspect.isclass):
            if found.__name__.startswith("Test") and hasattr(found, "model"):
                covered.add(found.model.name)
                assert "ModelCase" in {base.__name__ for base in found.__mro__}
    assert covered == set(list_models())
    assert ModelCase.test_shapes


def test_models_are_found_by_name_and_glob() -> None:
    assert model_class("spp-scl") is SPPSCL
    assert SPPSCL.name == "spp-scl"
    assert "spp-scl" in list_models("spp*")
    assert list_models("no such*") == []


def test_a_misspelt_model_gets_a_suggestion() -> None:
    with pytest.raises(UserError, match="no model 'spp-slc'; did you mean 'spp-scl'"):
        model_class("spp-slc")
    with pytest.raises(UserError, match=r"known: .*spp-scl"):
        model_class("zzz")


def test_settings_are_the_keyword_arguments() -> None:
    settings = settings_of(SPPSCL)
    assert "self" not in settings
    assert settings["text_layers"].default == 4
    assert settings["dim"].default == 32
    assert settings["dropout"].default == 0.2
