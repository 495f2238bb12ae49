"""SPP-SCL: semi-push-pull supervised contrastive learning.

Wu & Li, "SPP-SCL: Semi-Push-Pull Supervised Contrastive Learning for Image-Text Sentiment Analysis and Beyond",
AAAI 2026, https://doi.org/10.1609/aaai.v40i3.37200 (arXiv 2602.20767). Authors' code:
https://github.com/TomorrowJW/SPP-SCL. The losses and the two-step update are in ``objectives/semi_push_pull.py``.

``fidelity="published"`` computes what the released code computes:

* the cross-modal fusion is a softmax over the *batch* (B×B), so a prediction depends on the pairs around it (the
  paper's formula leaves open what is multiplied; the code decides);
* texts are padded to 202 positions and the padding goes through the BiLSTM and into the mean; the slice that drops
  [CLS] drops the last position, not [SEP];
* batch normalisation; that of the cells counts every cell of every picture.

It differs from the released code in what follows:

* features are stored, so the encoders are in evaluation mode; that code leaves its frozen ResNet and BERT in training
  mode (batch statistics that drift, dropout);
* there are as many outputs as classes; that code has three on HFM's two classes too;
* BERT's pooled output, computed and unused there, is not computed;
* a dropout of .2 is 51/256 = .199, and the two widest products are in bf16 in training where the CPU has units for it.

``fidelity="sound"`` (default) repairs this: fusion attends within the pair, over its tokens and its grid cells, and is
averaged over them; masks everywhere; no batch normalisation, so that nothing depends on batch mates. In its place every
token and cell comes in with mean 0 and deviation 1, and what dropout clears of one token or cell it clears of all of a
pair, as it would average out in the means otherwise. An absent picture or an empty text goes through the same layers as
a vector of zeros.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from sentipair.features import FeatureSpec, ImageGrid, PairBatch, TextLayers
from sentipair.models.base import Fidelity, PairModel, PairOutput, Range, register
from sentipair.models.layers import (
    Dropout,
    WideLinear,
    masked_mean,
    masked_softmax,
    repeat_rows,
    unpack,
)
from sentipair.models.recurrence import BiLSTM
from sentipair.settings import Count, Rate

Modalities = Literal["both", "text", "image"]
Attended = tuple[Tensor, Tensor]
"""Values, and the weights [N, N] that they were averaged with."""
PADDED_LENGTH = 202
"""Positions that the released code pads every text to, [CLS] and the dropped last position included."""


class HierarchicalAttention(nn.Module):
    """Weigh the last L text layers by gates from their [CLS] states (section "Hierarchical Attention").

    The gates are independent sigmoids, not a softmax.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.gates = nn.Sequential(
            nn.Linear(layers, layers, bias=False),
            nn.ReLU(),
            nn.Linear(layers, layers, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, cls: Tensor) -> Tensor:
        """[CLS] states [B, L, d] → gates [B, L]."""
        gates: Tensor = self.gates(cls.mean(dim=-1))
        return gates


class DynamicSelfAttention(nn.Module):
    """Self-attention in one modality, its queries and keys scaled by the other modality's embedding.

    A = softmax((e ⊙ Q)(e ⊙ K)ᵀ / √D), result A·V: the rows are tokens or cells of one pair (sound), or the pairs of the
    batch (published).
    """

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.query, self.key, self.value = (
            nn.Sequential(nn.Linear(dim, dim), Dropout(dropout)) for _ in range(3)
        )

    def forward(self, rows: Tensor, scale: Tensor, mask: Tensor) -> Attended:
        """Rows […, N, D], scale broadcastable to them, mask […, N] → results […, N, D] and weights […, N, N]."""
        scores = (scale * self.query(rows)) @ (scale * self.key(rows)).transpose(-1, -2)
        weights = masked_softmax(scores / math.sqrt(rows.shape[-1]), mask.unsqueeze(-2))
        return weights @ self.value(rows), weights


@register("spp-scl")
class SPPSCL(PairModel):
    """Semi-push-pull supervised contrastive learning.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder's grid.
        fidelity: see the module.
        modalities: ``"text"`` or ``"image"`` drops the other branch (Table 7 has image-only).
        text_layers: L, how many of the last text layers are weighed (Table 6).
        hierarchical_attention: without it the L layers are averaged (Table 6).
        fusion: without it the classifier sees the two embeddings only (Table 7).
        dim: D of the shared embedding space.
        hidden: width of the BiLSTM per direction, half the width of the image branch.
        dropout: everywhere.
        input_dropout: of the frozen features, 0 in the paper.
    """

    title = "Semi-Push-Pull Supervised Contrastive Learning"
    citation = (
        "Wu, J. and Li, S. SPP-SCL: Semi-Push-Pull Supervised Contrastive Learning for Image-Text Sentiment Analysis "
        "and Beyond. AAAI 2026. doi:10.1609/aaai.v40i3.37200"
    )
    search_space: ClassVar[Mapping[str, Range]] = {
        "model.dropout": Range(0.0, 0.7),
        "model.input_dropout": Range(0.0, 0.5),
        "objective.temperature": Range(0.05, 1.0, log=True),
        "objective.cross_entropy_weight": Range(0.5, 20.0, log=True),
        "training.learning_rate": Range(1e-4, 3e-3, log=True),
        "training.weight_decay": Range(1e-6, 1e-1, log=True),
    }

    def __init__(
        self,
        *,
        classes: Count = 3,
        text_dim: Count = 768,
        image_dim: Count = 2048,
        fidelity: Fidelity = "sound",
        modalities: Modalities = "both",
        text_layers: Count = 4,
        hierarchical_attention: bool = True,
        fusion: bool = True,
        dim: Count = 32,
        hidden: Count = 64,
        dropout: Rate = 0.2,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.published = fidelity == "published"
        self.text_layers = text_layers
        self.has_text, self.has_image = modalities != "image", modalities != "text"
        self.has_fusion = fusion and modalities == "both"
        norm = nn.BatchNorm1d if self.published else nn.Identity
        wide = 2 * hidden

        def embed() -> nn.Sequential:
            first = [nn.Linear(wide, dim), norm(dim), nn.ReLU(), Dropout(dropout)]
            second = [nn.Linear(dim, dim), norm(dim)]
            align = [nn.Linear(dim, dim), norm(dim), nn.ReLU(), Dropout(dropout)]
            return nn.Sequential(*first, *second, *align)

        self.input_dropout = Dropout(input_dropout)
        if self.has_text:
            self.layer_attention = HierarchicalAttention(text_layers) if hierarchical_attention else None
            self.bilstm = BiLSTM(text_dim, hidden)
            self.embed_text = embed()
        if self.has_image:
            self.cells = nn.Sequential(WideLinear(image_dim, wide), norm(wide), nn.ReLU())
            self.cell_dropout = Dropout(dropout)
            self.embed_image = embed()
        if self.has_fusion:
            self.attend_text = DynamicSelfAttention(dim, dropout)
            self.attend_image = DynamicSelfAttention(dim, dropout)
            if not self.published:
                self.token_to_shared, self.cell_to_shared = nn.Linear(wide, dim), nn.Linear(wide, dim)
        seen = dim * (self.has_text + self.has_image + 2 * self.has_fusion)
        self.classifier = nn.Sequential(
            nn.Linear(seen, 64), norm(64), nn.ReLU(), Dropout(dropout), nn.Linear(64, classes)
        )

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layers and the image grid."""
        pad_to = PADDED_LENGTH if self.published else None
        text = TextLayers(last=self.text_layers, pad_to=pad_to) if self.has_text else None
        image = ImageGrid() if self.has_image else None
        return [spec for spec in (text, image) if spec is not None]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs; with ``published`` each depends on the others."""
        if self.published:
            batch = batch.unmasked()
        text = image = None
        attention: dict[str, Tensor] = {}
        parts: list[Tensor] = []
        if self.has_text:
            text, tokens, attention["layers"] = self.read_text(batch)
        if self.has_image:
            image, cells = self.read_image(batch)
        if self.has_fusion and text is not None and image is not None:
            (by_text, attention["text"]), (by_image, attention["image"]) = (
                self.fuse_in_batch(text, image)
                if self.published
                else self.fuse_in_pair(text, image, tokens, cells, batch)
            )
            parts = [by_text, by_image]
        parts += [embedding for embedding in (image, text) if embedding is not None]
        fused = torch.cat(parts, dim=-1)
        return PairOutput(
            logits=self.classifier(fused), image=image, text=text, fused=fused, attention=attention
        )

    def embed(self, batch: PairBatch) -> tuple[Tensor | None, Tensor | None]:
        """Without fusion and classifier; published with them, as the batch normalisation in there counts the pass."""
        if self.published:
            return super().embed(batch)
        text = self.read_text(batch)[0] if self.has_text else None
        image = self.read_image(batch)[0] if self.has_image else None
        return text, image

    def read_text(self, batch: PairBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Embeddings [B, D], the BiLSTM states [B, N, 2h] over the weighed layers, and the layers' weights [B, L]."""
        mask = batch["text_mask"]
        lengths = mask.sum(dim=1)
        cls = batch["text_cls"]
        gates = (
            self.layer_attention(cls)
            if self.layer_attention
            else cls.new_full(cls.shape[:2], 1 / cls.shape[1])
        )
        rows = batch.rows("text", standardised=not self.published)
        weighed = torch.einsum("tl,tld->td", repeat_rows(gates, mask), rows)
        tokens = unpack(self.bilstm(self.dropped(self.input_dropout, weighed, mask), lengths), mask)
        return self.embed_text(masked_mean(tokens, mask)), tokens, gates

    def read_image(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """Embeddings [B, D], and the 1×1 convolution over the cells [B, R, 2h]."""
        mask = batch["grid_mask"]
        reads = cast(WideLinear, self.cells[0]).reads
        rows = batch.rows("grid", reads, standardised=not self.published)
        rows = self.cells(self.dropped(self.input_dropout, rows, mask))
        cells = unpack(self.dropped(self.cell_dropout, rows, mask), mask)
        return self.embed_image(masked_mean(cells, mask)), cells

    def dropped(self, dropout: Dropout, rows: Tensor, mask: Tensor) -> Tensor:
        """Dropout of tokens or cells: rows [T, d] at the true positions of mask [B, N]."""
        return dropout(rows) if self.published else dropout.per_pair(rows, mask)

    def fuse_in_batch(self, text: Tensor, image: Tensor) -> tuple[Attended, Attended]:
        """T_m and I_m of embeddings [B, D]: the pairs of the batch attend to each other."""
        everybody = torch.ones(len(text), dtype=torch.bool, device=text.device)
        return self.attend_text(text, image, everybody), self.attend_image(image, text, everybody)

    def fuse_in_pair(
        self, text: Tensor, image: Tensor, tokens: Tensor, cells: Tensor, batch: PairBatch
    ) -> tuple[Attended, Attended]:
        """T_m and I_m as means over the pair's own tokens [B, N, 2h] and cells [B, R, 2h]."""
        words, places = batch["text_mask"], batch["grid_mask"]
        by_token, over_tokens = self.attend_text(self.token_to_shared(tokens), image.unsqueeze(1), words)
        by_cell, over_cells = self.attend_image(self.cell_to_shared(cells), text.unsqueeze(1), places)
        return (masked_mean(by_token, words), over_tokens), (masked_mean(by_cell, places), over_cells)
