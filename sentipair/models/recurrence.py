"""A bidirectional LSTM over ragged sequences, with its gradient written out.

PyTorch's own LSTM on the CPU runs the two directions one after the other and builds an autograd node for every small
operation of every step. Here both directions advance together, only real tokens are computed, and one autograd node
holds the whole recurrence. Tested against ``torch.nn.LSTM``; timings are in ``benchmarks/training_step.py``.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sentipair.models.layers import WideLinear


class Packing(NamedTuple):
    """Where the tokens of B ragged sequences (T in all, one sequence after the other) stand when time comes first.

    Sequences are ordered from long to short; at step t the first ``active[t]`` of them still have a token. ``order``
    [2, T] lists, step by step, the row of each token: forwards, and from each sequence's end backwards. ``places`` [2, T]
    is its inverse.
    """

    order: Tensor
    places: Tensor
    active: list[int]


def pack(lengths: Tensor) -> Packing:
    """Plan the recurrence over sequences of ``lengths`` [B], zero allowed."""
    longest = int(lengths.max()) if len(lengths) else 0
    starts = torch.cumsum(lengths, 0) - lengths
    sizes, by_length = torch.sort(lengths, descending=True, stable=True)
    steps = torch.arange(longest).unsqueeze(1)  # (N, 1)
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
        start, previous = 0, 0
        for step, count in enumerate(packing.active):
            now = slice(start, start + count)
            gate, cell = gates[:, now], cells[:, now]
            before = slice(previous, previous + count)
            if step:
                gate.baddbmm_(outputs[:, before], weight)
            gate[..., : 3 * hidden].sigmoid_()
            gate[..., 3 * hidden :].tanh_()
            i, f, o, g = gate.split(hidden, dim=-1)
            torch.mul(i, g, out=cell)
            if step:
                cell.addcmul_(f, cells[:, before])
            torch.mul(o, torch.tanh(cell, out=squashed[:, now]), out=outputs[:, now])
            previous, start = start, start + count
        ctx.save_for_backward(weight, gates, cells, squashed, outputs)
        ctx.packing = packing
        return torch.cat([outputs[0, packing.places[0]], outputs[1, packing.places[1]]], dim=-1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        weight, gates, cells, squashed, outputs = ctx.saved_tensors
        packing: Packing = ctx.packing
        hidden = weight.shape[1]
        grad_outputs = _reorder(gradients[0], packing.order)  # (2, T, h)
        i, f, o, g = gates.split(hidden, dim=-1)
        # what multiplies the gradients of output and cell at every step, for all steps at once
        through_output = o * (1 - squashed.square())
        by_output = squashed * o * (1 - o)
        by_input, by_candidate, by_forget = g * i * (1 - i), i * (1 - g.square()), f * (1 - f)
        transposed = weight.transpose(1, 2).contiguous()
        grad_gates = torch.empty_like(gates)
        previous_outputs, previous_cells = torch.zeros_like(outputs), torch.zeros_like(cells)
        start = 0
        for count, following in zip(packing.active, packing.active[1:], strict=False):
            previous_outputs[:, start + count : start + count + following] = outputs[
                :, start : start + following
            ]
            previous_cells[:, start + count : start + count + following] = cells[:, start : start + following]
            start += count
        by_forget *= previous_cells
        start = outputs.shape[1]
        grad_hidden = grad_cell = outputs.new_zeros(2, 0, hidden)
        for step in range(len(packing.active) - 1, -1, -1):
            count = packing.active[step]
            start -= count
            now = slice(start, start + count)
            still = grad_hidden.shape[1]  # sequences that go on after this step
            dh = grad_outputs[:, now]
            dh[:, :still] += grad_hidden
            dc = dh * through_output[:, now]
            dc[:, :still] += grad_cell
            gate = grad_gates[:, now]
            torch.mul(dc, by_input[:, now], out=gate[..., :hidden])
            torch.mul(dc, by_forget[:, now], out=gate[..., hidden : 2 * hidden])
            torch.mul(dh, by_output[:, now], out=gate[..., 2 * hidden : 3 * hidden])
            torch.mul(dc, by_candidate[:, now], out=gate[..., 3 * hidden :])
            grad_hidden = torch.bmm(gate, transposed)
            grad_cell = dc.mul_(f[:, now])
        grad_weight = torch.bmm(previous_outputs.transpose(1, 2), grad_gates)
        grad_projected = torch.cat(
            [grad_gates[0, packing.places[0]], grad_gates[1, packing.places[1]]], dim=-1
        )
        return grad_projected, grad_weight, None


def _reorder(rows: Tensor, order: Tensor) -> Tensor:
    """Rows [T, 2·w] of both directions side by side → [2, T, w], each direction in its own order."""
    forwards, backwards = rows.chunk(2, dim=-1)
    return torch.stack([forwards[order[0]], backwards[order[1]]])


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
        states: Tensor = _Recurrence.apply(self.input(tokens), self.weight_hh, pack(lengths))
        return states
