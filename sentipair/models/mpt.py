"""MPT: multi-perspective thinking, rationales for every polarity as a third modality.

Ma, Xu, Li & Fu, "Multimodal Sentiment Analysis with Multi-Perspective Thinking via Large Multimodal Models", CIKM 2025,
https://doi.org/10.1145/3746252.3761328. Authors' code: https://github.com/RMJHQwQ/MPT. Grades: network A (code read),
training A, prompts D (see ``rationales/``). The loss is in ``objectives/multi_label_contrastive.py``.

``fidelity="published"`` computes what the released code computes, on frozen features:

* every text is padded to 320 positions and the padding is computed with; SKNet and LSTM hand on the last position, a
  padding state, and a rationale is the mean of all positions;
* the attentional fusion (LAFF) sees text and picture only, its scorer is drawn anew in every forward pass and never
  trained, and its result is the mean, not the sum, of the weighted vectors. Two passes over the same posts differ;
* the rationales r join afterwards, as a·r + b·LAFF with learned a and b; a missing one is a text of zeros;
* batch normalisation in SKNet; the width of everything is that of the text encoder.

It differs from the released code in what follows:

* BERT and ViT are frozen; features are stored without [CLS] and the last of the 320 positions;
* the small CNN runs over the cells of the image encoder's grid, without max-pooling, and its cells are pooled by
  attention; that code's CNN sees the pixels;
* the outputs are as many as classes, the rationales as many as polarities.

``fidelity="sound"`` (default) repairs this: masks everywhere; SKNet without batch normalisation, its positions pooled
by attention; the LSTM's state after the last real token; LAFF over all three modalities with a scorer per modality that
is trained, as the paper has it, and that leaves out what a post lacks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from sentipair.data.pair import SENTIMENT
from sentipair.features import FeatureSpec, ImageGrid, ImageVector, PairBatch, TextLayers, standardise
from sentipair.models.base import Fidelity, PairModel, PairOutput, Range, register
from sentipair.models.layers import Dropout, frozen_rows, masked_mean, masked_softmax, unpack
from sentipair.models.rationales import pool_rationales, rationale_layers
from sentipair.settings import Count, Rate

PADDED_LENGTH = 320
"""Positions that the released code pads every text to."""

Fused = tuple[Tensor, Tensor]
"""A vector per post [B, d] and the weights [B, M] of what it was made of."""


class SelectiveKernels(nn.Module):
    """SKNet: two filters over a text as a picture of positions × channels, mixed by gates from its mean brightness."""

    def __init__(self, norm: type[nn.Module]) -> None:
        super().__init__()
        self.filters = nn.ModuleList(
            nn.Sequential(nn.Conv2d(1, 1, size, padding=size // 2, bias=False), norm(1)) for size in (3, 5)
        )
        self.squeeze = nn.Linear(1, 32)
        self.select = nn.Linear(32, len(self.filters))

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Tokens [B, N, d], zero behind the mask [B, N] → [B, N, d]."""
        image = tokens.unsqueeze(-1).movedim(-1, 1)  # (B, 1, N, d), channels last: 20 times as fast on a CPU
        filtered = torch.cat([each(image) for each in self.filters], dim=1)  # (B, 2, N, d)
        brightness = masked_mean(filtered.sum(1), mask).mean(-1, keepdim=True)  # (B, 1)
        gates = self.select(self.squeeze(brightness)).softmax(-1)  # (B, 2)
        return torch.einsum("bk,bknd->bnd", gates, filtered)


class AttentionPooling(nn.Module):
    """The mean of rows with a softmax over learned scores of their tanh as weights."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.score = nn.Linear(dim, 1, bias=False)

    def forward(self, rows: Tensor, mask: Tensor) -> Fused:
        """Rows [B, N, d], mask [B, N] → [B, d], zero where nothing is true, and weights [B, N]."""
        weights = masked_softmax(self.score(torch.tanh(rows)).squeeze(-1), mask)
        return torch.einsum("bn,bnd->bd", weights, rows), weights


class AttentionalFusion(nn.Module):
    """LAFF with a trained scorer per modality: f = Σ_m α_m·v_m over v = tanh of the modalities' vectors."""

    def __init__(self, modalities: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.scorers = nn.ModuleList(nn.Linear(dim, 1) for _ in range(modalities))

    def forward(self, vectors: Tensor, mask: Tensor) -> Fused:
        """Vectors [B, M, d], mask [B, M] → [B, d] and α [B, M]."""
        vectors = self.dropout(torch.tanh(vectors))
        each = zip(self.scorers, vectors.unbind(1), strict=True)
        weights = masked_softmax(torch.cat([scorer(vector) for scorer, vector in each], dim=1), mask)
        return torch.einsum("bm,bmd->bd", weights, vectors), weights


class RandomlyScoredFusion(nn.Module):
    """LAFF of the released code: the mean of α_m·v_m, with a scorer that is new in every call."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)

    def forward(self, vectors: Tensor) -> Fused:
        """Vectors [B, M, d] → [B, d] and α [B, M]."""
        vectors = self.dropout(torch.tanh(vectors))
        scorer = nn.Linear(vectors.shape[-1], 1, device=vectors.device).requires_grad_(False)
        weights = scorer(vectors).squeeze(-1).softmax(-1)
        return torch.einsum("bm,bmd->bmd", weights, vectors).mean(1), weights


class GatedBlock(nn.Module):
    """A residual gated linear unit: x + W₂(u ⊙ σ(v)) with [u; v] = W₁·LN(x)."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.expand = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.GLU())
        self.contract = nn.Sequential(nn.Linear(2 * dim, dim), Dropout(dropout))

    def forward(self, values: Tensor) -> Tensor:
        """[B, d] → [B, d]."""
        result: Tensor = values + self.contract(self.expand(values))
        return result


@register("mpt")
class MPT(PairModel):
    """Multi-perspective thinking.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder.
        fidelity: see the module.
        polarities: what rationales are read for, two on CH-Mits; none for the model without rationales (Table 6).
        dim: width of the modalities' vectors and of the LSTM; published is the text encoder's.
        dropout: of both halves of the text branch, and if sound of the picture branch and the rationales.
        fusion_dropout: in LAFF and in the block after it.
        input_dropout: of the frozen features, 0 in the paper.
    """

    title = "Multi-Perspective Thinking"
    citation = (
        "Ma, Xu, Li and Fu. Multimodal Sentiment Analysis with Multi-Perspective Thinking via Large Multimodal Models. "
        "CIKM 2025. doi:10.1145/3746252.3761328"
    )
    adapted = "Frozen encoders instead of fine-tuned ones; the small CNN sees the image encoder's cells, not pixels."
    search_space: ClassVar[Mapping[str, Range]] = {
        "model.dropout": Range(0.0, 0.7),
        "model.fusion_dropout": Range(0.0, 0.5),
        "model.input_dropout": Range(0.0, 0.5),
        "objective.contrastive_weight": Range(0.01, 1.0, log=True),
        "training.learning_rate": Range(1e-5, 3e-3, log=True),
        "training.weight_decay": Range(1e-6, 1.0, log=True),
    }

    def __init__(
        self,
        *,
        classes: Count = 3,
        text_dim: Count = 768,
        image_dim: Count = 768,
        fidelity: Fidelity = "sound",
        polarities: tuple[str, ...] = SENTIMENT,
        dim: Count = 768,
        dropout: Rate = 0.5,
        fusion_dropout: Rate = 0.2,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.published = fidelity == "published"
        self.frozen = partial(frozen_rows, as_they_are=self.published)
        self.polarities = tuple(polarities)
        dim = text_dim if self.published else dim
        self.input_dropout = Dropout(input_dropout)
        self.kernels = SelectiveKernels(nn.BatchNorm2d if self.published else nn.Identity)
        self.lstm = nn.LSTM(text_dim, dim, batch_first=True)
        self.embed_text = nn.Sequential(Dropout(dropout), nn.Linear(text_dim + dim, dim))
        widths = (image_dim, 16, 32, 64)
        self.cnn = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(below, above, 3, padding=1), nn.ReLU())
                for below, above in pairwise(widths)
            )
        )
        self.pool_cells = AttentionPooling(widths[-1])
        image_dropout = Dropout(0.0 if self.published else dropout)
        self.embed_image = nn.Sequential(image_dropout, nn.Linear(image_dim + widths[-1], dim))
        if self.published:
            self.fuse_by_chance = RandomlyScoredFusion(fusion_dropout)
            self.shares = nn.Parameter(torch.full((2 if self.polarities else 1,), 0.5))
        else:
            self.pool_words = AttentionPooling(text_dim)
            self.fuse = AttentionalFusion(3 if self.polarities else 2, dim, fusion_dropout)
        if self.polarities:
            self.polarity_scores = nn.Parameter(torch.zeros(len(self.polarities)))
            project = nn.Sequential(Dropout(dropout), nn.Linear(text_dim, dim))
            self.embed_rationale = nn.Identity() if self.published else project
        self.block = GatedBlock(dim, fusion_dropout)
        self.classifier = nn.Linear(dim, classes)

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last layer of the text and of every rationale, the image grid and one vector per picture."""
        pad_to = PADDED_LENGTH if self.published else None
        rationales = rationale_layers(self.polarities, pad_to=pad_to)
        return [TextLayers(last=1, pad_to=pad_to), *rationales, ImageVector(), ImageGrid()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs; ``attention`` has cells [B, R], modalities [B, 2 or 3], rationales [B, P], words [B, N]."""
        if self.published:
            batch = batch.unmasked()
        attention: dict[str, Tensor] = {}
        text = self.read_text(batch, attention)  # (B, D)
        image = self.read_image(batch, attention)  # (B, D)
        modalities = [(text, batch["text_mask"].any(1)), (image, batch["image_present"])]
        if self.polarities:
            modalities.append(self.read_rationales(batch, attention))
        vectors, present = (torch.stack(each, dim=1) for each in zip(*modalities, strict=True))
        if self.published:
            fused, attention["modalities"] = self.fuse_by_chance(vectors[:, :2])
            fused = torch.einsum(
                "m,bmd->bd", self.shares, torch.cat([fused.unsqueeze(1), vectors[:, 2:]], dim=1)
            )
        else:
            fused, attention["modalities"] = self.fuse(vectors, present)
        refined = self.block(fused)
        return PairOutput(
            logits=self.classifier(refined),
            image=image,
            text=text,
            fused=fused if self.published else refined,
            attention=attention,
        )

    def read_text(self, batch: PairBatch, attention: dict[str, Tensor]) -> Tensor:
        """SKNet ‖ LSTM: [B, D]."""
        mask = batch["text_mask"]
        rows = self.frozen(batch, "text", self.input_dropout)[:, -1]  # (T, d)
        tokens = unpack(rows, mask)  # (B, N, d)
        filtered = self.kernels(tokens, mask)
        if self.published:
            seen = filtered[:, -1]
        else:
            seen, attention["words"] = self.pool_words(filtered, mask)
        lengths = mask.sum(1).clamp(min=1).cpu()
        packed = pack_padded_sequence(tokens, lengths, batch_first=True, enforce_sorted=False)
        _, (states, _) = self.lstm(packed)
        embedded: Tensor = self.embed_text(torch.cat([seen, states[-1]], dim=-1))
        return embedded

    def read_image(self, batch: PairBatch, attention: dict[str, Tensor]) -> Tensor:
        """The picture's vector ‖ CNN over its cells: [B, D]."""
        mask = batch["grid_mask"]
        rows = self.frozen(batch, "grid", self.input_dropout)  # (T, d)
        cells = unpack(rows, mask)  # (B, R, d)
        grid = cells.transpose(1, 2).unflatten(2, (math.isqrt(mask.shape[1]), -1))
        filtered = self.cnn(grid).flatten(2).transpose(1, 2)  # (B, R, 64)
        pooled, attention["cells"] = self.pool_cells(filtered, mask)
        vector = batch["image"] if self.published else standardise(batch["image"])
        embedded: Tensor = self.embed_image(torch.cat([self.input_dropout(vector), pooled], dim=-1))
        return embedded

    def read_rationales(self, batch: PairBatch, attention: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The rationales weighted by polarity [B, D], and whether there are any [B]."""
        means, present = pool_rationales(batch, self.polarities)  # (B, P, d), (B, P)
        attention["rationales"] = masked_softmax(self.polarity_scores.expand(len(means), -1), present)
        pooled = torch.einsum("bp,bpd->bd", attention["rationales"], means)
        return self.embed_rationale(pooled), present.any(1)
