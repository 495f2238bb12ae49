"""Checkpoints hold all that the next epoch depends on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sentipair.errors import UserError
from sentipair.training.checkpoint import Progress, load_checkpoint, save_checkpoint


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(torch.ones(2, 3)).square().sum().backward()
    optimizer.step()


def make(seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    return model, torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.2)


def test_training_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    model, optimizer = make(0)
    step(model, optimizer)
    history: list[dict[str, Any]] = [{"epoch": 1, "validation": {"accuracy": 0.1 + 0.2}}]
    save_checkpoint(tmp_path / "last.ckpt", model, optimizer, Progress(history, {"seen": {"a": 0.1}}))
    step(model, optimizer)

    other, fresh = make(1)
    assert load_checkpoint(tmp_path / "last.ckpt", other, fresh) == (history, {"seen": {"a": 0.1}})
    step(other, fresh)
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    assert fresh.param_groups[0]["weight_decay"] == 0.2


def test_a_parameter_that_was_never_updated_has_no_state(tmp_path: Path) -> None:
    model, optimizer = make(0)
    model[0].requires_grad_(False)
    step(model, optimizer)
    save_checkpoint(tmp_path / "last.ckpt", model, optimizer, Progress([], {}))
    other, fresh = make(1)
    load_checkpoint(tmp_path / "last.ckpt", other, fresh)
    assert set(fresh.state_dict()["state"]) == set(optimizer.state_dict()["state"]) == {2, 3, 4, 5}


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(UserError, match="delete it to begin this run anew"):
        load_checkpoint(path, *make(0))


def test_the_checkpoint_of_another_model_is_one_line(tmp_path: Path) -> None:
    path, (model, optimizer) = tmp_path / "last.ckpt", make(0)
    other = nn.Linear(2, 2)
    save_checkpoint(path, other, torch.optim.AdamW(other.parameters()), Progress([], {}))
    with pytest.raises(UserError, match="of another version of sentipair; delete it to begin this run anew"):
        load_checkpoint(path, model, optimizer)
    save_file({"model/x": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="delete it to begin this run anew"):
        load_checkpoint(path, model, optimizer)
