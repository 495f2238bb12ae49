"""Where heavy layers compute, and several processes that train one model together (`accelerate launch`)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from sentipair.errors import UserError

PATIENCE = timedelta(hours=6)
"""How long a process waits for the others; the main one evaluates while they wait."""


def cores() -> int:
    """How many processor cores this process may use: all, unless it was started with fewer (``taskset``)."""
    usable = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(usable(0)) if usable else os.cpu_count() or 1


@contextmanager
def at_most_threads(count: int) -> Iterator[None]:
    """Compute with ``count`` threads, or as many as before where they were fewer."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(count, before))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def processes() -> int:
    """How many processes train together; 1 unless started by `accelerate launch` with more."""
    return int(os.environ.get("WORLD_SIZE", 1))


def refuse_several_processes() -> None:
    """Keep several processes from doing the same.

    Raises:
        UserError: there are several.
    """
    if processes() > 1:
        raise UserError(
            "several processes are of use to `sentipair train` with --finetune only, and not for an ensemble; "
            "leave out `accelerate launch`"
        )


def rank() -> int:
    """The number of this process among them."""
    return int(os.environ.get("RANK", 0))


def is_main() -> bool:
    """Whether this process is the one that evaluates and writes files."""
    return rank() == 0


@cache
def device() -> torch.device:
    """This process's GPU where there is one, else the CPU; joins the other processes at first use.

    Raises:
        UserError: there are several processes and accelerate is not installed.
    """
    if processes() == 1:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not find_spec("accelerate"):
        raise UserError('several processes need accelerate: pip install "sentipair[accelerate]"')
    from accelerate import PartialState

    return PartialState(cpu=not torch.cuda.is_available(), timeout=PATIENCE).device  # type: ignore[no-any-return]


class Together(torch.autograd.Function):
    """The rows [B, …] of all processes, of which this one has computed every ``processes()``-th, from ``rank()`` on.

    Everybody goes on with the same rows to the same loss, so the gradient of the own rows is the loss's.
    """

    @staticmethod
    def forward(ctx: Any, own: Tensor, count: int) -> Tensor:
        """Own rows [b, …] → all rows [count, …]."""
        rows = torch.zeros(count, *own.shape[1:], dtype=own.dtype, device=device())  # NCCL knows no CPU
        rows[rank() :: processes()] = own.to(rows.device)
        torch.distributed.all_reduce(rows)
        return rows.to(own.device)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """The gradient of the own rows."""
        return gradients[0][rank() :: processes()], None


def add_up(parameters: Sequence[Tensor]) -> None:
    """Sum the gradients of all processes, each of which has those of its own rows."""
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        torch.distributed.all_reduce(parameter.grad)


def from_main(scores: Mapping[str, float]) -> dict[str, float]:
    """The main process's numbers under the same names."""
    if processes() == 1:
        return dict(scores)
    values = torch.tensor(list(scores.values()), dtype=torch.float64, device=device())
    torch.distributed.broadcast(values, src=0)
    return dict(zip(scores, values.tolist(), strict=True))
