"""What a model says of the pairs of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sentipair.features import FeatureTable, PairBatch
from sentipair.models import PairModel

BATCH_SIZE = 64


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Outputs for n pairs, in the order of the table; embeddings where the model has them."""

    logits: Tensor  # (n, K)
    image: Tensor | None  # (n, D)
    text: Tensor | None  # (n, D)
    fused: Tensor | None  # (n, F)

    def embeddings(self) -> dict[str, Tensor]:
        """The embeddings that are there, by name."""
        named = {"image": self.image, "text": self.text, "fused": self.fused}
        return {name: value for name, value in named.items() if value is not None}


@torch.inference_mode()
def predict(
    model: PairModel,
    table: FeatureTable,
    *,
    batch_size: int = BATCH_SIZE,
    order: Sequence[int] | None = None,
    change: Callable[[PairBatch], PairBatch] | None = None,
) -> Outputs:
    """Run ``model`` in evaluation mode over all pairs.

    Args:
        model: the model; its mode is restored afterwards.
        table: the pairs; at least one.
        batch_size: pairs per forward pass.
        order: the order in which they are visited; the outputs are in the order of the table all the same.
        change: applied to every batch first.
    """
    visited = list(range(len(table))) if order is None else list(order)
    training = model.training
    model.eval()
    outputs = [
        model(change(batch) if change else batch) for batch in table.batches(batch_size, order=visited)
    ]
    model.train(training)
    back = torch.empty(len(visited), dtype=torch.long)
    back[visited] = torch.arange(len(visited))

    def collect(parts: list[Tensor | None]) -> Tensor | None:
        present = [part for part in parts if part is not None]
        return torch.cat(present)[back] if present else None

    logits = torch.cat([output.logits for output in outputs])[back]
    return Outputs(
        logits=logits,
        image=collect([output.image for output in outputs]),
        text=collect([output.text for output in outputs]),
        fused=collect([output.fused for output in outputs]),
    )
