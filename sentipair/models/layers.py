"""Layers that two or more models share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from sentipair.features import PairBatch, ragged


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the true positions: values [B, N, d], mask [B, N] → [B, d]; zero where a row has none."""
    weights = mask.to(values.dtype)
    return torch.einsum("bn,bnd->bd", weights, values) / weights.sum(1, keepdim=True).clamp(min=1)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last dimension where ``mask`` is true, zero elsewhere; all zeros where nothing is true."""
    weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1)
    return weights * mask


def answer(batch: PairBatch, logits: Tensor, unimodal: Mapping[str, Tensor]) -> Tensor:
    """What is said of each pair [B, K]: by both modalities, or of a pair that has only one by that alone.

    Args:
        batch: the pairs.
        logits: [B, K], from both.
        unimodal: ``"text"`` and ``"image"`` → [B, K], from one.
    """
    text, image = batch.has_text.unsqueeze(1), batch.has_image.unsqueeze(1)
    logits = torch.where(text & ~image, unimodal["text"], logits)
    return torch.where(image & ~text, unimodal["image"], logits)


def unpack(rows: Tensor, mask: Tensor) -> Tensor:
    """Put rows [T, d] back at the true positions of mask [B, N], zeros elsewhere → [B, N, d]."""
    if torch.compiler.is_exporting():  # see ``ragged``
        rows = rows * mask.flatten().unsqueeze(1)
    elif len(rows) < mask.numel():
        places = mask.flatten().nonzero().squeeze(1)
        rows = rows.new_zeros(mask.numel(), rows.shape[-1]).index_copy(0, places, rows)
    return rows.view(*mask.shape, rows.shape[-1])


def repeat_rows(values: Tensor, mask: Tensor) -> Tensor:
    """What belongs to a whole pair, values [B, d], for each of its true positions in mask [B, N]: [T, d]."""
    if torch.compiler.is_exporting():  # see ``ragged``
        return values.unsqueeze(1).expand(-1, mask.shape[1], -1).flatten(0, 1)
    return values.repeat_interleave(mask.sum(dim=1), dim=0)


WIDE = 512
"""Width from which on ``recomputed`` trades time for memory: models are that wide as published, not as sound."""


def recomputed(part: Callable[..., Tensor], *inputs: Tensor, width: int) -> Tensor:
    """``part(*inputs)``; what a wide part computes on its way is not kept for the gradients but computed again.

    That takes a third more time and a fraction of the memory; values, gradients and dropout are the same.
    """
    if width < WIDE or not torch.is_grad_enabled():
        return part(*inputs)
    found: Tensor = checkpoint(part, *inputs, use_reentrant=False)
    return found


def has_bf16_units() -> bool:
    """Whether this processor multiplies bf16 matrices in hardware (AVX512-BF16, AMX)."""
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


ROWS = 64
"""Rows are rounded up to a multiple of this before a product in bf16: oneDNN keeps half a megabyte of code for every
number of rows that it has seen, and ragged texts have another in nearly every step."""


class WideLinear(nn.Linear):
    """A linear map of wide frozen features, the bulk of the arithmetic of a training step.

    In training the product of single-precision values is computed in bf16 where the processor has units for it (about
    four times faster, sums in single precision); in evaluation the layer is exactly ``nn.Linear``.
    """

    @property
    def reads(self) -> torch.dtype:
        """What it turns values in single precision into; frozen features may as well come to it like that."""
        on_cpu = self.weight.device.type == "cpu"
        return torch.bfloat16 if self.training and on_cpu and has_bf16_units() else torch.float32

    def forward(self, values: Tensor) -> Tensor:
        """[…, in_features] → […, out_features]; values in bf16 give a result in single precision."""
        if values.dtype not in (torch.float32, torch.bfloat16) or self.reads != torch.bfloat16:
            return super().forward(values)
        rows = values.reshape(-1, self.in_features).bfloat16()
        missing = -len(rows) % ROWS
        filled = functional.pad(rows, (0, 0, 0, missing)) if missing else rows  # by nothing is a copy too
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = super().forward(filled)[: len(rows)].float()
        return found.view(*values.shape[:-1], self.out_features)


class Dropout(nn.Module):
    """Dropout that draws one random byte per element: ten times as fast on a CPU as a random float.

    The rate, from 0 to below 1, is rounded to a multiple of 1/256; what is kept is scaled so that the expectation is
    unchanged.

    Raises:
        ValueError: a rate outside this range.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"a dropout rate lies between 0 and 1, not at {rate}")
        self.threshold = min(round(rate * 256), 255)

    def forward(self, values: Tensor) -> Tensor:
        """Zero a share of the values in training; the identity in evaluation."""
        if not self.training or self.threshold == 0:
            return values
        count = values.numel()
        words = torch.empty(-(-count // 8), dtype=torch.int64, device=values.device).random_(-(2**63), None)
        drawn = words.view(torch.uint8)[:count].view(values.shape).to(torch.int16)
        # −1 where it is at least the threshold, else 0, from the sign: a comparison takes a CPU four times as long
        kept = (self.threshold - 1 - drawn).bitwise_right_shift_(15)
        scale = 256 / (256 - self.threshold)
        if values.dtype == torch.bfloat16 and not values.requires_grad:
            # wide frozen features: clearing the bits of what is dropped takes half the time of a product
            return kept.bitwise_and_(values.view(torch.int16)).view(torch.bfloat16).mul_(scale)
        return values * kept.to(values.dtype).mul_(-scale)

    def per_pair(self, rows: Tensor, mask: Tensor) -> Tensor:
        """Zero the same values in all rows [T, …] of a pair, which are at the true positions of mask [B, N].

        For tokens and cells that are averaged later: what is dropped of each by itself averages out in the mean, and
        hardly regularises (Gal & Ghahramani 2016, arXiv:1512.05287; Tompson et al. 2015, arXiv:1411.4280).
        """
        if not self.training or self.threshold == 0:
            return rows
        kept: Tensor = self(rows.new_ones(len(mask), *rows.shape[1:]))  # (B, …)
        if len(rows) == mask.numel():  # as pictures are; half the time of the other way
            return (rows.reshape(*mask.shape, *rows.shape[1:]) * kept.unsqueeze(1)).flatten(0, 1)
        return rows * repeat_rows(kept, mask)

    def extra_repr(self) -> str:
        """The rate in use."""
        return f"rate={self.threshold / 256:.3f}"


def frozen_rows(batch: PairBatch, name: str, dropout: Dropout, *, as_they_are: bool = False) -> Tensor:
    """The frozen states of ``name`` at its true positions, standardised, the same dropped of all of a pair: [T, …].

    ``as_they_are``, for published arithmetic: not standardised, and each dropped by itself.
    """
    rows = batch.rows(name, standardised=not as_they_are)
    dropped: Tensor = dropout(rows) if as_they_are else dropout.per_pair(rows, batch[f"{name}_mask"])
    return dropped


class WordConvolution(nn.Module):
    """Filters over runs of words, ReLU, the maximum over time (Kim 2014, https://doi.org/10.3115/v1/D14-1181).

    A run starts at every word; past the end of the text it sees zeros.

    Args:
        input_size: width of a word.
        filters: per width.
        widths: words per run.
    """

    def __init__(self, input_size: int, filters: int, *, widths: Sequence[int] = (3, 4, 5)) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.taps = WideLinear(input_size, sum(self.widths) * filters, bias=False)
        bound = 1 / math.sqrt(input_size * sum(self.widths) / len(self.widths))  # of a run, not of a word
        nn.init.uniform_(self.taps.weight, -bound, bound)
        self.bias = nn.Parameter(torch.zeros(len(self.widths) * filters))

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        """Words [T, d] at the true positions of mask [B, N] → [B, widths·filters], zero for an empty text."""
        places = torch.arange(mask.shape[1], device=mask.device)
        to_the_end = mask.sum(dim=1, keepdim=True) - places  # (B, N), words from here on
        left = ragged(to_the_end, mask)  # (T)
        taps = self.taps(words).unflatten(-1, (sum(self.widths), -1))  # (T, taps, filters)
        taps = functional.pad(taps, (0, 0, 0, 0, 0, max(self.widths) - 1))
        runs = [
            sum(
                tap[offset : offset + words.shape[0], offset] * (left > offset).unsqueeze(1)
                for offset in range(width)
            )
            for width, tap in zip(self.widths, taps.split(self.widths, dim=1), strict=True)
        ]
        activations = torch.relu(torch.cat(runs, dim=-1) + self.bias)  # (T, widths·filters)
        return unpack(activations, mask).amax(dim=1)


class AdditiveAttention(nn.Module):
    """A query attends to a memory: α = softmax(uᵀ tanh(W m + V q)) (Bahdanau et al. 2015, arXiv:1409.0473).

    Args:
        memory_size: width of a memory.
        query_size: width of a query.
        hidden: width of the comparison.
    """

    def __init__(self, memory_size: int, query_size: int, hidden: int) -> None:
        super().__init__()
        self.key = nn.Linear(memory_size, hidden)
        self.query = nn.Linear(query_size, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, memory: Tensor, query: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Memory [B, N, d], query [B, q], mask [B, N] → the attended memory [B, d] and the weights [B, N]."""
        return self.ask(memory, self.key(memory), query, mask)

    def ask(self, memory: Tensor, keys: Tensor, query: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The same for a memory that is asked several times: its ``keys`` [B, N, hidden] are computed once."""
        compared = torch.tanh(keys + self.query(query).unsqueeze(1))
        weights = masked_softmax(self.score(compared).squeeze(-1), mask)
        return torch.einsum("bn,bnd->bd", weights, memory), weights


class SequenceSubnetwork(nn.Module):
    """One vector per text: the last state of an LSTM through a linear map (Liu et al. 2018, arXiv:1806.00064).

    Args:
        input_size: width of a word.
        hidden: of the LSTM.
        output_size: of the vector.
        dropout: of the last state.
    """

    def __init__(self, input_size: int, *, hidden: int, output_size: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden, batch_first=True)
        self.output = nn.Sequential(Dropout(dropout), nn.Linear(hidden, output_size))

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        """Words [T, d] at the first positions of mask [B, N] → [B, output_size]."""
        states, _ = self.lstm(unpack(words, mask))  # what stands behind a text cannot reach its states
        is_last = mask & ~functional.pad(mask[:, 1:], (0, 1))
        vector: Tensor = self.output(torch.einsum("bn,bnh->bh", is_last.to(states.dtype), states))
        return vector


class VectorSubnetwork(nn.Sequential):
    """One vector per picture: norm, dropout and three layers with ReLU (Liu et al. 2018, arXiv:1806.00064).

    [B, input_size] → [B, output_size]; layer instead of batch normalisation.
    """

    def __init__(self, input_size: int, *, output_size: int, dropout: float) -> None:
        sizes = [input_size, output_size, output_size]
        layers = [layer for size in sizes for layer in (nn.Linear(size, output_size), nn.ReLU())]
        super().__init__(nn.LayerNorm(input_size), Dropout(dropout), *layers)
