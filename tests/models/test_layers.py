"""Masks against loops, dropout against its definition, the wide product against ``nn.Linear``."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import nn

from sentipair.features import PairBatch, ragged, standardise
from sentipair.models import layers
from sentipair.models.layers import (
    WIDE,
    AdditiveAttention,
    Dropout,
    SequenceSubnetwork,
    VectorSubnetwork,
    WideLinear,
    WordConvolution,
    frozen_rows,
    has_bf16_units,
    masked_mean,
    masked_softmax,
    recomputed,
    repeat_rows,
    unpack,
)

from .cases import gradients_and_memory

MASK = torch.tensor([[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]]).bool()


def test_masked_mean() -> None:
    torch.manual_seed(0)
    values = torch.randn(4, 4, 3, requires_grad=True)
    result = masked_mean(values, MASK)
    for row, (each, mask) in enumerate(zip(values, MASK, strict=True)):
        kept = [value for value, there in zip(each, mask, strict=True) if there]
        expected = sum(kept) / len(kept) if kept else torch.zeros(3)
        torch.testing.assert_close(result[row], expected)
    result.sum().backward()
    assert values.grad.isfinite().all()
    assert not values.grad[~MASK].any()
    assert masked_mean(values.half(), MASK).dtype == torch.float16


def test_masked_softmax() -> None:
    torch.manual_seed(0)
    scores = (100 * torch.randn(4, 4)).requires_grad_()
    weights = masked_softmax(scores, MASK)
    for row, (each, mask) in enumerate(zip(scores, MASK, strict=True)):
        expected = torch.zeros(4)
        if mask.any():
            expected[mask] = each[mask].softmax(0)
        torch.testing.assert_close(weights[row], expected)
    weights.square().sum().backward()
    assert scores.grad.isfinite().all()
    assert not scores.grad[~MASK].any()


def test_masked_softmax_in_half_precision() -> None:
    weights = masked_softmax(
        torch.tensor([[6e4, -6e4], [1.0, 2.0]]).half(), torch.tensor([[False, True]] * 2)
    )
    assert weights.tolist() == [[0, 1], [0, 1]]


def test_standardise() -> None:
    torch.manual_seed(0)
    values = 5 + 3 * torch.randn(2, 4, 6)
    values[1, 2] = 0
    result = standardise(values)
    assert not result[1, 2].any()
    result[1, 2] = values[1, 2] = torch.tensor([-1.0, 1, -1, 1, -1, 1])  # is so already
    torch.testing.assert_close(result.mean(-1), torch.zeros(2, 4))
    torch.testing.assert_close(result.std(-1, correction=0), torch.ones(2, 4), rtol=0, atol=1e-3)
    mean, deviation = values.mean(-1, keepdim=True), values.std(-1, correction=0, keepdim=True)
    torch.testing.assert_close(result, (values - mean) / deviation, rtol=0, atol=1e-3)


@pytest.mark.parametrize("mask", [MASK, torch.zeros(2, 3).bool(), torch.ones(2, 3).bool()])
def test_unpack_undoes_selection(mask: torch.Tensor) -> None:
    torch.manual_seed(0)
    values = torch.randn(*mask.shape, 5) * mask.unsqueeze(-1)
    rows = values[mask].requires_grad_()
    assert torch.equal(unpack(rows, mask), values)
    weights = torch.randn_like(values)
    (unpack(rows, mask) * weights).sum().backward()
    assert torch.equal(rows.grad, weights[mask])


@pytest.mark.parametrize("exporting", [False, True])
def test_rows_of_a_batch_and_back(exporting: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an exported graph there is a row for every position; what comes back is the same."""
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: exporting)
    values, whole = torch.randn(4, 4, 5), torch.randn(4, 5)
    rows, repeated = ragged(values, MASK), repeat_rows(whole, MASK)
    assert len(rows) == len(repeated) == (MASK.numel() if exporting else int(MASK.sum()))
    back = unpack(rows * repeated + 1, MASK)
    for pair, place in MASK.nonzero().tolist():
        torch.testing.assert_close(back[pair, place], values[pair, place] * whole[pair] + 1)
    assert not back[~MASK].any()


@pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.9])
def test_dropout_rate_and_expectation(rate: float) -> None:
    torch.manual_seed(0)
    dropout = Dropout(rate)
    count = 400_000
    dropped = dropout(torch.ones(count))
    share = (dropped == 0).float().mean().item()
    sd = (rate * (1 - rate) / count) ** 0.5
    assert abs(share - rate) < 1 / 512 + 5 * sd
    assert abs(dropped.mean().item() - 1) < 5 * sd / (1 - rate) + 1e-4
    kept = dropped[dropped != 0].unique()
    assert len(kept) == 1
    assert kept.item() == pytest.approx(256 / (256 - round(rate * 256)))


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (2, 0, 4), (8, 8), (1, 1, 17)])
def test_dropout_of_any_shape(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    values = torch.ones(shape)
    result = Dropout(0.5)(values)
    assert result.shape == shape
    assert set(result.flatten().tolist()) <= {0.0, 2.0}


def test_dropout_gradient_is_its_mask() -> None:
    torch.manual_seed(0)
    values = torch.randn(11, 13, requires_grad=True)
    result = Dropout(0.3)(values)
    result.sum().backward()
    torch.testing.assert_close(values.grad * values, result)
    assert 0 < (values.grad == 0).float().mean() < 1


def test_dropout_is_the_identity_in_evaluation_and_at_rate_0() -> None:
    values = torch.randn(5)
    assert torch.equal(Dropout(0.9).eval()(values), values)
    assert torch.equal(Dropout(0.0)(values), values)


def test_dropout_draws_anew_and_follows_the_seed() -> None:
    dropout, values = Dropout(0.5), torch.ones(1000)
    torch.manual_seed(3)
    first, second = dropout(values), dropout(values)
    torch.manual_seed(3)
    assert torch.equal(dropout(values), first)
    assert not torch.equal(second, first)


def test_dropout_of_neighbours_is_independent() -> None:
    torch.manual_seed(0)
    kept = (Dropout(0.5)(torch.ones(100_000, 8)) != 0).double()  # the eight bytes of one random word
    correlation = torch.corrcoef(kept.T) - torch.eye(8)
    assert correlation.abs().max() < 5 / 100_000**0.5


def test_dropout_keeps_the_precision() -> None:
    for dtype in (torch.float16, torch.float32, torch.float64):
        assert Dropout(0.2)(torch.ones(4, dtype=dtype)).dtype == dtype


def test_dropout_of_frozen_features_in_bf16_is_that_of_others() -> None:
    values = torch.randn(2, 40, 30).transpose(1, 2)[:, 1:].bfloat16()
    torch.manual_seed(0)
    found = Dropout(0.3)(values)
    torch.manual_seed(0)
    expected = Dropout(0.3)(values.float())
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, expected.bfloat16())
    assert 0 < (found == 0).float().mean() < 1


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_dropout_refuses_what_is_no_rate(rate: float) -> None:
    with pytest.raises(ValueError, match="dropout rate"):
        Dropout(rate)


@pytest.mark.parametrize("lengths", [[3, 0, 1, 5], [4, 4, 4]])
def test_dropout_per_pair_is_the_same_for_all_positions_of_a_pair(lengths: list[int]) -> None:
    torch.manual_seed(0)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    rows = torch.ones(sum(lengths), 4096, requires_grad=True)
    found = Dropout(0.25).per_pair(rows, mask)
    pairs = [pair for pair in found.split(lengths) if len(pair)]
    for pair in pairs:
        assert torch.equal(pair, pair[:1].expand_as(pair))
        assert (pair[0] == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)
        assert pair.unique().tolist() == pytest.approx([0, 4 / 3])
    for before, after in pairwise(pairs):
        assert not torch.equal(before[0], after[0])
    found.sum().backward()
    assert torch.equal(rows.grad, found.detach())


def test_dropout_per_pair_is_the_identity_in_evaluation_and_at_rate_0() -> None:
    rows, mask = torch.randn(2, 5), torch.ones(1, 2, dtype=torch.bool)
    assert torch.equal(Dropout(0.9).eval().per_pair(rows, mask), rows)
    assert torch.equal(Dropout(0.0).per_pair(rows, mask), rows)


@pytest.mark.parametrize("mask", [MASK, torch.ones(2, 3).bool()])
def test_frozen_rows_are_standardised_and_lose_the_same_in_all_of_a_pair(mask: torch.Tensor) -> None:
    torch.manual_seed(0)
    states = torch.randn(*mask.shape, 2, 256)
    features = {"text": states, "text_mask": mask}
    batch = PairBatch(ids=("",) * len(mask), labels=torch.zeros(len(mask)), features=features)
    rows = frozen_rows(batch, "text", Dropout(0.5))  # (T, 2, 256)
    whole = standardise(states)[mask]
    kept = rows != 0
    torch.testing.assert_close(rows[kept], 2 * whole[kept])
    for pair in filter(len, kept.split(mask.sum(1).tolist())):
        assert torch.equal(pair, pair[:1].expand_as(pair))
        assert 0.4 < pair.float().mean() < 0.6
        assert not torch.equal(pair[0, 0], pair[0, 1])


def test_dropout_says_its_rate() -> None:
    assert "0.199" in repr(Dropout(0.2))


def test_wide_linear_is_linear_in_evaluation() -> None:
    torch.manual_seed(0)
    layer = WideLinear(300, 20).eval()
    values = torch.randn(6, 300)
    assert torch.equal(layer(values), nn.functional.linear(values, layer.weight, layer.bias))


def test_wide_linear_in_training_is_near_single_precision() -> None:
    torch.manual_seed(0)
    layer = WideLinear(2048, 128)
    values = torch.randn(50, 2048, requires_grad=True)
    exact = nn.functional.linear(values, layer.weight, layer.bias)
    result = layer(values)
    assert result.dtype == torch.float32
    tolerance = 2**-7 if has_bf16_units() else 1e-6  # of the size of a typical result
    assert (result - exact).abs().max() < 4 * tolerance * exact.std()
    weights = torch.randn_like(exact)
    for wanted, found in zip(
        torch.autograd.grad(exact, [values, layer.weight, layer.bias], weights),
        torch.autograd.grad(result, [values, layer.weight, layer.bias], weights),
        strict=True,
    ):
        assert found.dtype == torch.float32
        assert (found - wanted).norm() < tolerance * wanted.norm()


def test_wide_linear_uses_bf16_only_where_there_are_units(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, values = WideLinear(64, 4), torch.randn(3, 64)
    exact = nn.functional.linear(values, layer.weight, layer.bias)
    monkeypatch.setattr("sentipair.models.layers.has_bf16_units", lambda: False)
    assert torch.equal(layer(values), exact)
    monkeypatch.setattr("sentipair.models.layers.has_bf16_units", lambda: True)
    assert not torch.equal(layer(values), exact)


def test_wide_linear_reads_features_that_are_converted_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentipair.models.layers.has_bf16_units", lambda: True)
    layer, values = WideLinear(64, 4), torch.randn(3, 64).half()
    assert layer.reads == torch.bfloat16
    found = layer(values.to(layer.reads))
    assert found.dtype == torch.float32
    assert torch.equal(found, layer(values.float()))
    assert layer.eval().reads == torch.float32


@pytest.mark.parametrize("shape", [(0, 64), (64,), (130, 64), (2, 3, 64)])
def test_wide_linear_takes_any_number_of_rows(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentipair.models.layers.has_bf16_units", lambda: True)
    layer, values = WideLinear(64, 4), torch.randn(shape)
    found = layer(values)
    assert found.shape == (*shape[:-1], 4)
    assert torch.allclose(found, nn.functional.linear(values, layer.weight, layer.bias), atol=0.05)


def test_products_in_bf16_have_few_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentipair.models.layers.has_bf16_units", lambda: True)
    layer, linear, seen = WideLinear(64, 4), nn.functional.linear, set()

    def spy(values: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        seen.add(len(values))
        return linear(values, *weights)

    monkeypatch.setattr(nn.functional, "linear", spy)
    for rows in range(1, 257, 5):
        layer(torch.randn(rows, 64))
    assert seen == {64, 128, 192, 256}


def test_wide_linear_keeps_double_precision() -> None:
    layer, values = WideLinear(64, 4).double(), torch.randn(3, 64, dtype=torch.float64)
    assert torch.equal(layer(values), nn.functional.linear(values, layer.weight, layer.bias))


@pytest.mark.parametrize("lengths", [[4, 0, 1, 7], [1, 2], [0, 0], [9]])
def test_word_convolution_by_hand(lengths: list[int]) -> None:
    torch.manual_seed(0)
    widths, filters = (2, 3), 4
    convolution = WordConvolution(5, filters, widths=widths).eval()
    convolution.bias.data.normal_()
    texts = [torch.randn(length, 5) for length in lengths]
    mask = torch.arange(max([1, *lengths])) < torch.tensor(lengths).unsqueeze(1)
    result = convolution(torch.cat(texts), mask)
    taps = convolution.taps.weight.view(sum(widths), filters, 5)
    for row, words in zip(result, texts, strict=True):
        expected = torch.zeros(len(widths), filters)
        for number, width in enumerate(widths):
            first = sum(widths[:number])
            bias = convolution.bias[number * filters : (number + 1) * filters]
            for start in range(len(words)):
                run = list(zip(words[start : start + width], taps[first : first + width], strict=False))
                value = torch.relu(sum(tap @ word for word, tap in run) + bias)
                expected[number] = torch.maximum(expected[number], value)
        torch.testing.assert_close(row, expected.flatten())


def test_additive_attention_by_hand() -> None:
    torch.manual_seed(0)
    attention = AdditiveAttention(3, 2, 6)
    memory, query = torch.randn(4, 4, 3), torch.randn(4, 2)
    attended, weights = attention(memory, query, MASK)
    for row in range(4):
        kept = memory[row][MASK[row]]
        scores = [
            attention.score(torch.tanh(attention.key(m) + attention.query(query[row])))[0] for m in kept
        ]
        expected = torch.stack(scores).softmax(0) if scores else torch.zeros(0)
        torch.testing.assert_close(weights[row][MASK[row]], expected)
        assert not weights[row][~MASK[row]].any()
        torch.testing.assert_close(attended[row], expected @ kept)


def test_sequence_subnetwork_reads_to_the_last_word() -> None:
    torch.manual_seed(0)
    network = SequenceSubnetwork(3, hidden=4, output_size=2, dropout=0.0)
    lengths = [2, 0, 5, 1]
    texts = [torch.randn(length, 3) for length in lengths]
    mask = torch.arange(7) < torch.tensor(lengths).unsqueeze(1)
    result = network(torch.cat(texts), mask)
    for row, words in zip(result, texts, strict=True):
        state = network.lstm(words)[0][-1] if len(words) else torch.zeros(4)
        torch.testing.assert_close(row, network.output(state))


def test_vector_subnetwork_by_hand() -> None:
    torch.manual_seed(0)
    network = VectorSubnetwork(6, output_size=4, dropout=0.0)
    vectors = torch.randn(5, 6)
    vectors[2] = 0
    expected = (vectors - vectors.mean(1, keepdim=True)) / (
        vectors.var(1, correction=0, keepdim=True) + 1e-5
    ).sqrt()
    linear = [layer for layer in network if isinstance(layer, nn.Linear)]
    assert len(linear) == 3
    for layer in linear:
        expected = (expected @ layer.weight.T + layer.bias).clamp(min=0)
    torch.testing.assert_close(network(vectors), expected)


def wide_part(*, dropout: float) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(WIDE, 64), nn.GELU(), Dropout(dropout), nn.Linear(64, WIDE), nn.GELU())


def test_a_wide_part_is_computed_again_with_the_same_gradients_and_dropout() -> None:
    part, values = wide_part(dropout=0.5), torch.randn(30, WIDE)
    again, kept_again = gradients_and_memory(part, partial(recomputed, part, values, width=WIDE))
    once, kept_once = gradients_and_memory(part, partial(recomputed, part, values, width=WIDE - 1))
    assert len(again) == 4
    assert all(map(torch.equal, again, once))
    assert kept_again <= values.nbytes < kept_once  # what went in


def test_without_gradients_a_wide_part_is_only_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an export, whose tracer should not meet autograd's machinery."""
    monkeypatch.setattr(layers, "checkpoint", None)
    with torch.no_grad():
        assert recomputed(nn.Identity(), MASK, width=WIDE) is MASK
