"""The ragged BiLSTM against ``torch.nn.LSTM`` run on one sequence after the other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sentipair.models import layers
from sentipair.models.layers import WIDE
from sentipair.models.recurrence import BiGRU, BiLSTM, _Recurrence, pack

from .cases import gradients_and_memory
from .reference import torch_lstm

RAGGED = ([3, 0, 5, 1, 5, 2], [1], [0], [0, 0], [4, 4, 4], [1, 2, 3, 4, 5, 6, 7], [])


def sequences(tokens: Tensor, lengths: list[int]) -> list[Tensor]:
    return list(tokens.split(lengths))


def pack_slowly(lengths: list[int]) -> tuple[list[int], list[int], list[int]]:
    """Rows in time order forwards and backwards, and how many sequences go on, by loops."""
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    ranked = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    forwards, backwards, active = [], [], []
    for step in range(max(lengths, default=0)):
        still = [i for i in ranked if lengths[i] > step]
        forwards += [starts[i] + step for i in still]
        backwards += [starts[i] + lengths[i] - 1 - step for i in still]
        active.append(len(still))
    return forwards, backwards, active


@pytest.mark.parametrize("lengths", RAGGED, ids=str)
def test_pack(lengths: list[int]) -> None:
    packing = pack(torch.tensor(lengths, dtype=torch.long))
    forwards, backwards, active = pack_slowly(lengths)
    assert packing.order.tolist() == [forwards, backwards]
    assert packing.active == active
    for order, places in zip(packing.order, packing.places, strict=True):
        assert order[places].tolist() == list(range(sum(lengths)))


@pytest.mark.parametrize("lengths", RAGGED, ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_states_and_gradients_are_those_of_torch(lengths: list[int], training: bool) -> None:
    torch.manual_seed(len(lengths))
    ours = BiLSTM(7, 5).double().train(training)
    reference = torch_lstm(ours)
    tokens = torch.randn(sum(lengths), 7, dtype=torch.float64)
    weights = torch.randn(sum(lengths), 10, dtype=torch.float64)
    tokens_ours, tokens_theirs = tokens.clone().requires_grad_(), tokens.clone().requires_grad_()

    states = ours(tokens_ours, torch.tensor(lengths, dtype=torch.long))
    assert states.shape == (sum(lengths), 10)
    assert states.dtype == torch.float64
    (states * weights).sum().backward()
    runs = [reference(each)[0] for each in sequences(tokens_theirs, lengths) if len(each)]
    expected = torch.cat(runs) if runs else torch.zeros(0, 10, dtype=torch.float64)
    torch.testing.assert_close(states, expected)
    if runs:
        (expected * weights).sum().backward()
        torch.testing.assert_close(tokens_ours.grad, tokens_theirs.grad)
    # the gradients of the weights, in the reference's order of gates
    theirs = dict(reference.named_parameters())
    order = torch.cat([torch.arange(5) + 5 * gate for gate in (0, 1, 3, 2)])
    for direction, suffix in enumerate(("", "_reverse")):
        into = ours.input.weight.grad[20 * direction : 20 * (direction + 1)][order]
        around = ours.weight_hh.grad[direction].T[order]
        for gradient, name in ((into, "weight_ih_l0"), (around, "weight_hh_l0")):
            wanted = theirs[f"{name}{suffix}"].grad
            torch.testing.assert_close(gradient, torch.zeros_like(gradient) if wanted is None else wanted)


def test_gradient_by_finite_differences() -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([3, 0, 1, 4])
    projected = torch.randn(8, 2 * 4 * 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 3, 12, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p, w: _Recurrence.apply(p, w, pack(lengths)), (projected, weight))


def test_the_gradient_does_not_touch_what_came_in() -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([2, 3])
    projected, weight = torch.randn(5, 24, requires_grad=True), torch.randn(2, 3, 12, requires_grad=True)
    before = projected.detach().clone()
    states = _Recurrence.apply(projected, weight, pack(lengths))
    gradient = torch.randn(5, 6)
    kept, first = gradient.clone(), states.detach().clone()
    once = torch.autograd.grad(states, projected, gradient, retain_graph=True)[0]
    again = torch.autograd.grad(states, projected, gradient)[0]
    assert torch.equal(once, again)
    assert torch.equal(gradient, kept)
    assert torch.equal(projected, before)
    assert torch.equal(states, first)


def test_single_precision_agrees_with_torch_at_the_papers_size() -> None:
    torch.manual_seed(0)
    lengths = [31, 8, 62, 1]
    ours = BiLSTM(768, 64).eval()
    tokens = torch.randn(sum(lengths), 768)
    expected = torch.cat([torch_lstm(ours)(each)[0] for each in sequences(tokens, lengths)])
    torch.testing.assert_close(ours(tokens, torch.tensor(lengths)), expected, rtol=1e-4, atol=1e-5)


def test_initial_weights_are_spread_as_torchs() -> None:
    torch.manual_seed(0)
    for weight in BiLSTM(48, 16).parameters():
        assert weight.abs().max() <= 0.25
        torch.testing.assert_close(weight.var(), torch.tensor(0.25**2 / 3), rtol=0.1, atol=0)


@pytest.mark.parametrize("lengths", RAGGED, ids=str)
@pytest.mark.parametrize("layers", [1, 2])
def test_a_gru_reads_each_sequence_as_if_it_were_alone(lengths: list[int], layers: int) -> None:
    torch.manual_seed(len(lengths))
    ours = BiGRU(7, 5, layers=layers, dropout=0.5).eval()
    tokens = torch.randn(sum(lengths), 7)
    states = ours(tokens, torch.tensor(lengths, dtype=torch.long))
    assert states.shape == (sum(lengths), 5)
    runs = [
        ours.gru(each)[0].unflatten(1, (2, 5)).mean(dim=1) for each in sequences(tokens, lengths) if len(each)
    ]
    torch.testing.assert_close(states, torch.cat(runs) if runs else torch.zeros(0, 5))


def test_a_wide_gru_is_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model, tokens, lengths = (
        BiGRU(6, WIDE, layers=2, dropout=0.5),
        torch.randn(30, 6),
        torch.tensor([20, 0, 10]),
    )
    again, kept_again = gradients_and_memory(model, lambda: model(tokens, lengths))
    monkeypatch.setattr(layers, "WIDE", WIDE + 1)
    once, kept_once = gradients_and_memory(model, lambda: model(tokens, lengths))
    assert len(again) == len(once) > 0
    assert all(map(torch.equal, again, once))
    assert kept_again < kept_once / 10
