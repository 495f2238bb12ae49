"""Recurrence over ragged sequences: a bidirectional LSTM with its gradient written out, and PyTorch's GRU.

PyTorch's own LSTM on the CPU runs the two directions one after the other and builds an autograd node for every small
operation of every step. Here both directions advance together, only real tokens are computed, and one autograd node
holds the whole recurrence. Tested against ``torch.nn.LSTM``; timings are in ``benchmarks/training_step.py``.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from sentipair.models.layers import WideLinear, recomputed


class Packing(NamedTuple):
    """Where the tokens of B ragged sequences (T in all, one sequence after the other) stand when time comes first.

    Sequences are ordered from long to short; at step t the first ``active[t]`` of them still have a token. ``order``
    [2, T] lists, step by step, the row of each token: forwards, and from each sequence's end backwards. ``places``
    [2, T] is its inverse.
    """

    order: Tensor
    places: Tensor
    active: list[int]


def pack(lengths: Tensor) -> Packing:
    """Plan the recurrence over sequences of ``lengths`` [B], zero allowed."""
    longest = int(lengths.max()) if len(lengths) else 0
    starts = torch.cumsum(lengths, 0) - lengths
    sizes, by_length = torch.sort(lengths, descending=True, stable=True)
    steps = torch.arange(longest, device=lengths.device).unsqueeze(1)  # (N, 1)
    is_token = steps < sizes  # (N, B)
    forwards = (starts[by_length] + steps)[is_token]
    backwards = (starts[by_length] + sizes - 1 - steps)[is_token]
    order = torch.stack([forwards, backwards])
    return Packing(order, order.argsort(dim=1), is_token.sum(1).tolist())


class _Recurrence(torch.autograd.Function):
    """Projected tokens [T, 2·4h] and recurrent weights [2, h, 4h] → hidden states [T, 2h].

    Gates stand in the order input, forget, output, candidate, so that three sigmoids are one call.
    """

    @staticmethod
    def forward(ctx: Any, projected: Tensor, weight: Tensor, packing: Packing) -> Tensor:
        hidden = weight.shape[1]
        gates = _reorder(projected, packing.order)  # (2, T, 4h), overwritten step by step
        cells, squashed, outputs = (gates.new_empty(2, gates.shape[1], hidden) for _ in range(3))
        previous: tuple[Tensor, Tensor] | None = None
        for gate, cell, tanh, output in _by_step(packing, gates, cells, squashed, outputs):
            if previous is not None:
                last_cell, last_output = (each[:, : gate.shape[1]] for each in previous)
                gate.baddbmm_(last_output, weight)
            gate[..., : 3 * hidden].sigmoid_()
            gate[..., 3 * hidden :].tanh_()
            i, f, o, g = gate.split(hidden, dim=-1)
            torch.mul(i, g, out=cell)
            if previous is not None:
                cell.addcmul_(f, last_cell)
            torch.mul(o, torch.tanh(cell, out=tanh), out=output)
            previous = cell, output
        ctx.save_for_backward(weight, gates, cells, squashed, outputs)
        ctx.packing = packing
        return _restore(outputs, packing.places)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        weight, gates, cells, squashed, outputs = ctx.saved_tensors
        packing: Packing = ctx.packing
        hidden = weight.shape[1]
        # the state before each step; before the first it is zero
        previous_cells, previous_outputs = torch.zeros_like(cells), torch.zeros_like(outputs)
        for states, before in ((cells, previous_cells), (outputs, previous_outputs)):
            now, later = states.split(packing.active, dim=1), before.split(packing.active, dim=1)
            for state, kept in zip(now, later[1:], strict=False):
                kept.copy_(state[:, : kept.shape[1]])
        # what multiplies the gradients of output and cell at every step, for all steps at once
        i, f, o, g = gates.split(hidden, dim=-1)
        through_output, by_output = o * (1 - squashed.square()), squashed * o * (1 - o)
        by_input, by_candidate = g * i * (1 - i), i * (1 - g.square())
        by_forget = previous_cells.mul_(f).mul_(1 - f)
        grad_gates = torch.empty_like(gates)
        grad_outputs = _reorder(gradients[0], packing.order)  # (2, T, h), overwritten step by step
        transposed = weight.transpose(1, 2).contiguous()
        grad_hidden = grad_cell = outputs.new_zeros(2, 0, hidden)  # of the sequences that go on
        factors = (f, through_output, by_input, by_forget, by_output, by_candidate)
        steps = _by_step(packing, grad_outputs, grad_gates, *factors)
        for dh, gate, forget, through, at_input, at_forget, at_output, at_candidate in reversed(steps):
            still = grad_hidden.shape[1]
            dh[:, :still] += grad_hidden
            dc = dh * through
            dc[:, :still] += grad_cell
            di, df, do, dg = gate.split(hidden, dim=-1)
            torch.mul(dc, at_input, out=di)
            torch.mul(dc, at_forget, out=df)
            torch.mul(dh, at_output, out=do)
            torch.mul(dc, at_candidate, out=dg)
            grad_hidden = torch.bmm(gate, transposed)
            grad_cell = dc.mul_(forget)
        grad_weight = torch.bmm(previous_outputs.transpose(1, 2), grad_gates)
        return _restore(grad_gates, packing.places), grad_weight, None


def _by_step(packing: Packing, *rows: Tensor) -> list[tuple[Tensor, ...]]:
    """Views of rows [2, T, w] per step: [2, active, w]."""
    return list(zip(*(each.split(packing.active, dim=1) for each in rows), strict=True))


def _reorder(rows: Tensor, order: Tensor) -> Tensor:
    """Rows [T, 2·w] of both directions side by side → [2, T, w], each direction in its own order.

    One ``index_select`` of the halves: a CPU indexes both directions and stacks them in six times as long.
    """
    count, width = len(rows), rows.shape[-1] // 2
    halves = torch.stack([2 * order[0], 2 * order[1] + 1]).flatten()
    return rows.reshape(2 * count, width).index_select(0, halves).view(2, count, width)


def _restore(rows: Tensor, places: Tensor) -> Tensor:
    """The inverse of ``_reorder``: [2, T, w] → [T, 2·w]."""
    _, count, width = rows.shape
    halves = torch.stack([places[0], places[1] + count], dim=1).flatten()
    return rows.reshape(2 * count, width).index_select(0, halves).view(count, 2 * width)


class BiLSTM(nn.Module):
    """One bidirectional layer without bias over ragged sequences.

    Args:
        input_size: width of a token.
        hidden_size: width h per direction.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(hidden_size)  # as torch.nn.LSTM
        self.input = WideLinear(input_size, 2 * 4 * hidden_size, bias=False)
        nn.init.uniform_(self.input.weight, -bound, bound)
        self.weight_hh = nn.Parameter(torch.empty(2, hidden_size, 4 * hidden_size).uniform_(-bound, bound))

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Tokens [T, d] of all sequences, one after the other, and their lengths [B] → states [T, 2h]."""
        states: Tensor = _Recurrence.apply(  # type: ignore[no-untyped-call]
            self.input(tokens), self.weight_hh, pack(lengths)
        )
        return states


class BiGRU(nn.Module):
    """PyTorch's bidirectional GRU over ragged sequences, its directions averaged.

    Args:
        input_size: width of a token.
        hidden_size: width h per direction.
        layers: one on top of the other; above the first, a layer sees both directions side by side.
        dropout: between the layers.
    """

    def __init__(self, input_size: int, hidden_size: int, *, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        between = dropout if layers > 1 else 0.0
        self.gru = nn.GRU(input_size, hidden_size, num_layers=layers, dropout=between, bidirectional=True)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Tokens [T, d] of all sequences, one after the other, and their lengths [B] → states [T, h]."""
        if len(tokens) == 0:
            return tokens.new_zeros(0, self.gru.hidden_size)
        packing = pack(lengths)
        active = torch.tensor(packing.active)

        def read(rows: Tensor) -> Tensor:
            states: Tensor = self.gru(PackedSequence(rows, active))[0].data
            return states

        states = recomputed(read, tokens[packing.order[0]], width=self.gru.hidden_size)
        forwards, backwards = states[packing.places[0]].chunk(2, dim=-1)
        return (forwards + backwards) / 2
