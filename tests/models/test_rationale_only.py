"""The rationales alone."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch

from sentipair.errors import UserError
from sentipair.models import RationaleOnly
from sentipair.settings import validate_settings

from .cases import ModelCase, random_batch


class TestRationaleOnly(ModelCase):
    model = RationaleOnly
    variants: ClassVar = ({}, {"polarities": ["positive", "negative"]})


def test_only_rationales_are_read() -> None:
    model = RationaleOnly(text_dim=12)
    assert {spec.of for spec in model.requires} == {
        "rationale_positive",
        "rationale_neutral",
        "rationale_negative",
    }
    output = model.eval()(random_batch(model))
    torch.testing.assert_close(output.logits[1], model.classifier.bias)  # pair 1 has none


def test_no_polarity_is_refused() -> None:
    with pytest.raises(UserError, match=r"model\.polarities"):
        validate_settings(RationaleOnly, {"polarities": []}, "model")
