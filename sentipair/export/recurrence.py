"""The recurrence as an exported graph can have it: no loop over steps in Python, shapes that depend on shapes alone."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from sentipair.models.recurrence import BiLSTM

GATES = (0, 1, 3, 2)
"""Ours stand in the order input, forget, output, candidate; PyTorch's are input, forget, candidate, output."""


class PaddedBiLSTM(nn.Module):
    """What ``BiLSTM`` computes, over padded sequences and by PyTorch's LSTM: one per direction.

    Args:
        trained: the recurrence whose weights it takes.
    """

    def __init__(self, trained: BiLSTM) -> None:
        super().__init__()
        hidden = trained.weight_hh.shape[1]
        size = trained.input.in_features
        self.directions = nn.ModuleList(nn.LSTM(size, hidden, bias=False, batch_first=True) for _ in range(2))
        inputs = trained.input.weight.detach().unflatten(0, (2, 4, hidden))  # (2, 4, h, d)
        recurrent = trained.weight_hh.detach().mT.unflatten(1, (4, hidden))  # (2, 4, h, h)
        for direction, by_input, by_state in zip(self.directions, inputs, recurrent, strict=True):
            weights = (by_input[list(GATES)].flatten(0, 1), by_state[list(GATES)].flatten(0, 1))
            for parameter, value in zip(direction.parameters(), weights, strict=True):
                parameter.data = value.contiguous()

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Tokens [B·N, d], each sequence padded to N behind its end, and lengths [B] → states [B·N, 2h].

        The states behind an end are arbitrary.
        """
        padded = tokens.unflatten(0, (lengths.shape[0], -1))  # (B, N, d)
        steps = torch.arange(padded.shape[1], device=tokens.device)
        mirrored = (lengths.unsqueeze(1) - 1 - steps).clamp(min=0).unsqueeze(-1)  # (B, N, 1)
        forwards, backwards = self.directions
        ahead, _ = forwards(padded)
        back, _ = backwards(_pick(padded, mirrored))
        return torch.cat([ahead, _pick(back, mirrored)], dim=-1).flatten(0, 1)


def with_padded_recurrence(network: nn.Module) -> nn.Module:
    """A copy of the network whose recurrences are ``PaddedBiLSTM``s, for the exporter alone.

    Only there do models compute with the rows of the padding (see ``features.ragged``).
    """
    copied = deepcopy(network)
    for module in list(copied.modules()):
        for name, child in module.named_children():
            if isinstance(child, BiLSTM):
                setattr(module, name, PaddedBiLSTM(child))
    return copied


def _pick(rows: Tensor, places: Tensor) -> Tensor:
    """Rows [B, N, w] in the order of places [B, N, 1]."""
    return rows.gather(1, places.expand(-1, -1, rows.shape[-1]))
