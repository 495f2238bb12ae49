"""Everything needed to go on with a run, in one safetensors file: weights, optimiser state and history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.optim import Optimizer

from sentipair.errors import UserError
from sentipair.tensors import write_tensors


class Progress(NamedTuple):
    """What is not in the tensors: the history of the epochs done and the state of the objective."""

    history: list[dict[str, Any]]
    objective: dict[str, Any]


def save_checkpoint(path: Path, model: nn.Module, optimizer: Optimizer, progress: Progress) -> None:
    """Write the state after an epoch, whole or not at all."""
    state = optimizer.state_dict()
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    for index, entries in state["state"].items():
        tensors |= {f"optimizer/{index}/{name}": value for name, value in entries.items()}
    metadata = {name: json.dumps(value) for name, value in progress._asdict().items()}
    metadata["groups"] = json.dumps(state["param_groups"])
    write_tensors(path, tensors, metadata)


def load_checkpoint(path: Path, model: nn.Module, optimizer: Optimizer) -> Progress:
    """Bring model and optimiser to the state in ``path``; returns what the epochs so far left besides.

    Raises:
        UserError: the file is damaged, or of another model.
    """
    try:
        return _load(path, model, optimizer)
    except (SafetensorError, RuntimeError, LookupError, TypeError, ValueError) as error:
        raise UserError(
            f"the checkpoint {path} is damaged, or of another version of sentipair; delete it to begin this run anew"
        ) from error


def _load(path: Path, model: nn.Module, optimizer: Optimizer) -> Progress:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    model.load_state_dict(
        {name.removeprefix("model/"): value for name, value in tensors.items() if name.startswith("model/")}
    )
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer/"):
            _, index, entry = name.split("/")
            state.setdefault(int(index), {})[entry] = value
    optimizer.load_state_dict({"state": state, "param_groups": json.loads(metadata["groups"])})
    return Progress(*(json.loads(metadata[name]) for name in Progress._fields))
