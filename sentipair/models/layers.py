"""Layers that two or more models share."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the true positions: values [B, N, d], mask [B, N] → [B, d]; zero where a row has none."""
    weights = mask.unsqueeze(-1).to(values.dtype)
    return (values * weights).sum(1) / weights.sum(1).clamp(min=1)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last dimension where ``mask`` is true, zero elsewhere; all zeros where nothing is true."""
    weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1)
    return weights * mask


def unpack(rows: Tensor, mask: Tensor) -> Tensor:
    """Put rows [T, d] back at the true positions of mask [B, N], zeros elsewhere → [B, N, d]."""
    if len(rows) < mask.numel():
        places = mask.flatten().nonzero().squeeze(1)
        rows = rows.new_zeros(mask.numel(), rows.shape[-1]).index_copy(0, places, rows)
    return rows.view(*mask.shape, rows.shape[-1])


def has_bf16_units() -> bool:
    """Whether this processor multiplies bf16 matrices in hardware (AVX512-BF16, AMX)."""
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


class WideLinear(nn.Linear):
    """A linear map of wide frozen features, the bulk of the arithmetic of a training step.

    In training the product of single-precision values is computed in bf16 where the processor has units for it (about
    four times faster, sums in single precision); in evaluation the layer is exactly ``nn.Linear``.
    """

    def forward(self, values: Tensor) -> Tensor:
        """[…, in_features] → […, out_features], in the precision of the values."""
        single_on_cpu = values.dtype == torch.float32 and values.device.type == "cpu"
        if not (self.training and single_on_cpu and has_bf16_units()):
            return super().forward(values)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return super().forward(values).float()


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
        kept = words.view(torch.uint8)[:count].view(values.shape) >= self.threshold
        return values * kept.to(values.dtype).mul_(256 / (256 - self.threshold))

    def extra_repr(self) -> str:
        """The rate in use."""
        return f"rate={self.threshold / 256:.3f}"
