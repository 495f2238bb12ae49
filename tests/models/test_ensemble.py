"""An ensemble around every registered model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from sentipair.errors import UserError
from sentipair.models import LateFusion, PairModel, list_models
from sentipair.models.ensemble import Ensemble
from sentipair.models.persistence import ModelConfig, load_model, save_config, save_weights
from sentipair.objectives import CrossEntropy

from .cases import ModelCase, random_batch, small_config


def config(name: str, members: int) -> ModelConfig:
    return small_config(name, members=members)


class TestEnsembleCase(ModelCase):
    """An ensemble behaves as a model does."""

    model = LateFusion
    objective = CrossEntropy(unimodal_weight=1.0)
    test_says_what_it_is_and_whom_to_cite = None  # of the member, and so are its settings
    test_settings_are_typed_and_have_defaults = None
    test_saved_and_loaded_is_the_same = None  # below, for every model

    def build(self, variant: Mapping[str, Any], *, seed: int = 0, **settings: Any) -> PairModel:
        members = [super(TestEnsembleCase, self).build(variant, seed=seed + i, **settings) for i in range(2)]
        return Ensemble(members)


@pytest.mark.parametrize("name", list_models())
def test_members_vote_with_their_probabilities(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = config(name, 3).build().eval()
    assert isinstance(model, Ensemble)
    batch = random_batch(model)
    output, alone = model(batch), [member(batch) for member in model.members]
    expected = sum(each.logits.softmax(-1) for each in alone) / 3
    torch.testing.assert_close(output.logits.exp(), expected)
    for said in output.unimodal or ():
        expected = sum(each.unimodal[said].softmax(-1) for each in alone) / 3
        torch.testing.assert_close(output.unimodal[said].exp(), expected)
    for part in ("image", "text", "fused"):
        parts = [getattr(each, part) for each in alone]
        if parts[0] is None:
            assert getattr(output, part) is None
        else:
            assert torch.equal(getattr(output, part), torch.cat(parts, dim=-1))
    save_config(tmp_path, config(name, 3))
    save_weights(tmp_path, model)
    loaded, found = load_model(tmp_path)
    assert found == config(name, 3)
    torch.testing.assert_close(loaded(batch).logits, output.logits)


def test_members_begin_with_weights_of_their_own() -> None:
    torch.manual_seed(0)
    model = config("late-fusion", 2).build()
    one, other = (member.classifier.weight for member in model.members)
    assert not torch.equal(one, other)


def test_attention_is_the_mean_of_the_members() -> None:
    model = config("itin", 2).build().eval()
    batch = random_batch(model)
    found = model(batch).attention
    seen = [member(batch).attention for member in model.members]
    assert found.keys() == seen[0].keys()
    for name, weights in found.items():
        torch.testing.assert_close(weights, (seen[0][name] + seen[1][name]) / 2)


def test_one_member_is_the_model_itself() -> None:
    assert isinstance(config("late-fusion", 1).build(), LateFusion)


def test_a_model_from_before_there_were_ensembles_and_a_damaged_one(tmp_path: Path) -> None:
    save_config(tmp_path, config("late-fusion", 1))
    save_weights(tmp_path, config("late-fusion", 1).build())
    path = tmp_path / "config.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    assert values.pop("members") == 1
    path.write_text(json.dumps(values), encoding="utf-8")
    assert isinstance(load_model(tmp_path)[0], LateFusion)
    path.write_text(json.dumps({**values, "members": 0}), encoding="utf-8")
    with pytest.raises(UserError, match="is damaged"):
        load_model(tmp_path)
