"""ITIN: image-text interaction network.

Zhu, Li, Yang, Zhao, Liu & Qian, "Multimodal Sentiment Analysis With Image-Text Interaction Network", IEEE Transactions
on Multimedia 2023, https://doi.org/10.1109/TMM.2022.3160060. Authors' code: https://github.com/zhutong0219/ITIN (model
and demo; no training script). Architecture: grade A, code read; training: grade B, from the paper.

Where paper and code differ, this follows the code: the word contexts of the regions attend to each other once more; the
gate is one number per region, σ(r·u), instead of a vector; the two heads share their last layer; the recurrent network
has two layers, and the context of the text has one of its own.

``fidelity="published"`` computes what the released code computes:

* texts are padded to 100 positions, [CLS] and [SEP] take part, and the padding goes through the recurrence, the
  alignment and the mean;
* no dropout but the one between the recurrent layers.

It differs from the released code in what follows:

* the picture's context comes from a frozen encoder; that code trains its ResNet-18;
* BERT reads a text with an attention mask; that code gives it none, so its states depend on the padding. A text of more
  than 100 positions keeps its [SEP] behind them. Characters outside ASCII are kept;
* PyTorch's initial weights throughout, where that code draws three of the maps by Xavier's rule; the maps that it makes
  and never uses (a fusion on the text's side, a unimodal classifier) are left out, and so is the bias of the pooling
  scores, which a softmax cancels;
* AdamW, in which the weight decay is decoupled, in place of Adam with an L2 term.

``fidelity="sound"`` (default) masks everywhere and drops out before the heads too. A pair without picture has no region
and a pair without text no word: what attends to nothing is zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from sentipair.features import FeatureSpec, ImageVector, PairBatch, Regions, TextLayers
from sentipair.models.base import Fidelity, PairModel, PairOutput, Range, register
from sentipair.models.layers import Dropout, WideLinear, masked_mean, masked_softmax, unpack
from sentipair.models.recurrence import BiGRU
from sentipair.settings import Count, Rate, Share

Gate = Literal["scalar", "vector", "none"]
Parts = Literal["both", "interaction", "context"]

PADDED_LENGTH = 101
"""[CLS] and 99 further positions make the 100 of the released code; the feature drops the last one."""

HIDDEN = 64
"""Width of the classifiers' hidden layer."""


class Attention(nn.Module):
    """Scaled dot-product attention with maps for queries and keys, without bias; values are as they come."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)

    def forward(self, asking: Tensor, asked: Tensor, mask: Tensor) -> Tensor:
        """Rows [B, R, D] ask rows [B, N, D] with mask [B, N] → weights [B, R, N]."""
        scores = torch.einsum("brd,bnd->brn", self.query(asking), self.key(asked))
        return masked_softmax(scores / math.sqrt(asking.shape[-1]), mask.unsqueeze(1))


class AttentionPooling(nn.Module):
    """A weighted sum of rows, the weights averaged over several heads that each score a row from itself."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.scores = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, heads, bias=False))

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """Rows [B, R, D] with mask [B, R] → weights [B, R]."""
        scores = self.scores(rows).transpose(1, 2)  # (B, H, R)
        return masked_softmax(scores, mask.unsqueeze(1)).mean(dim=1)


@register("itin")
class ITIN(PairModel):
    """Image-text interaction network.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: width of the picture's context vector.
        region_dim: width of a region's vector.
        fidelity: see the module.
        regions: m, at most so many regions per picture (Figure 5).
        alignment: without it every region meets the mean of the words (Table III).
        gate: how far a region and its words are let through; ``"vector"`` is the paper's formula, ``"none"`` lets
            everything through (Table III).
        parts: ``"interaction"`` drops the context of picture and text, ``"context"`` leaves nothing else (Table III).
        visual_weight: λ of the head that sees the picture's context; the text's has 1 − λ (Figure 6).
        dim: D of regions and words.
        layers: of the recurrent networks.
        heads: of the attention pooling.
        dropout: between the recurrent layers; in the sound version also before the classifiers.
        input_dropout: of the frozen features, 0 in the paper.
    """

    title = "Image-Text Interaction Network"
    citation = (
        "Zhu, T., Li, L., Yang, J., Zhao, S., Liu, H. and Qian, J. Multimodal Sentiment Analysis With Image-Text "
        "Interaction Network. IEEE Transactions on Multimedia 25, 2023. doi:10.1109/TMM.2022.3160060"
    )
    adapted = (
        "Unless a detector or stored vectors are named, the regions are the cells of the image encoder's grid instead "
        "of Faster R-CNN boxes; the picture's context comes from a frozen encoder."
    )
    search_space: ClassVar[Mapping[str, Range]] = {
        "model.dropout": Range(0.0, 0.7),
        "model.input_dropout": Range(0.0, 0.5),
        "model.visual_weight": Range(0.1, 0.9),
        "training.learning_rate": Range(1e-4, 3e-3, log=True),
        "training.weight_decay": Range(1e-6, 1e-1, log=True),
    }

    def __init__(
        self,
        *,
        classes: Count = 3,
        text_dim: Count = 768,
        image_dim: Count = 512,
        region_dim: Count = 2048,
        fidelity: Fidelity = "sound",
        regions: Count = 2,
        alignment: bool = True,
        gate: Gate = "scalar",
        parts: Parts = "both",
        visual_weight: Share = 0.2,
        dim: Count = 1024,
        layers: Count = 2,
        heads: Count = 4,
        dropout: Rate = 0.25,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.published = fidelity == "published"
        self.regions = regions
        self.gate = gate
        self.visual_weight = visual_weight
        self.has_interaction, self.has_context = parts != "context", parts != "interaction"
        self.input_dropout = Dropout(input_dropout)
        self.dropout = Dropout(0.0 if self.published else dropout)
        if self.has_interaction:
            self.embed_region = WideLinear(region_dim, dim)
            self.read_words = BiGRU(text_dim, dim, layers=layers, dropout=dropout)
            self.align = Attention(dim) if alignment else None
            self.mix = Attention(dim) if alignment else None
            self.combine = nn.Linear(2 * dim, dim, bias=False)
            self.pool = AttentionPooling(dim, heads)
        fused = dim if self.has_interaction else 0
        if self.has_context:
            self.read_context = BiGRU(text_dim, dim, layers=layers, dropout=dropout)
            self.visual = nn.Linear(image_dim + fused, HIDDEN)
            self.textual = nn.Linear(dim + fused, HIDDEN)
        else:
            self.alone = nn.Linear(fused, HIDDEN)
        self.classifier = nn.Linear(HIDDEN, classes)

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer, regions, and one vector per picture."""
        text = TextLayers(last=1, pad_to=PADDED_LENGTH if self.published else None)
        regions = Regions(count=self.regions) if self.has_interaction else None
        image = ImageVector() if self.has_context else None
        return [spec for spec in (text, regions, image) if spec is not None]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs."""
        if self.published:
            batch = batch.unmasked()
        tokens, heard = self.tokens(batch)  # (T, d), (B, N)
        lengths = heard.sum(dim=1)
        parts: list[Tensor] = []
        attention: dict[str, Tensor] = {}
        if self.has_interaction:
            seen = batch["regions_mask"]
            regions = unit(self.embed_region(self.input_dropout(batch.rows("regions"))))
            words = unpack(self.read_words(tokens, lengths), heard)
            fused, attention = self.interact(unpack(regions, seen), words, seen, heard)
            if self.published:
                attention["words"] = attention["words"][:, 1:]  # those that a reader sees, without [CLS]
            parts = [fused]
        if self.has_context:
            context = unpack(self.read_context(tokens, lengths), heard)
            image, text = self.input_dropout(batch["image"]), masked_mean(context, heard)
            visual, textual = self.hidden(self.visual, image, *parts), self.hidden(self.textual, text, *parts)
            hidden = self.visual_weight * visual + (1 - self.visual_weight) * textual
            parts += [image, text]
        else:
            hidden = self.hidden(self.alone, *parts)
        return PairOutput(logits=self.classifier(hidden), fused=torch.cat(parts, dim=-1), attention=attention)

    def tokens(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """The states of all tokens [T, d] and where they stand [B, N]; [CLS] is one of them in the released code."""
        if not self.published:
            return self.input_dropout(batch.rows("text")[:, -1]), batch["text_mask"]
        states = torch.cat([batch["text_cls"].unsqueeze(1), batch["text"].float()], dim=1)[:, :, -1]
        everywhere = torch.ones(states.shape[:2], dtype=torch.bool, device=states.device)
        return self.input_dropout(states.flatten(0, 1)), everywhere

    def interact(
        self, regions: Tensor, words: Tensor, seen: Tensor, heard: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Regions [B, R, D] and words [B, N, D] with their masks → the fused vector [B, D] and the weights."""
        if self.align is not None and self.mix is not None:
            by_word = self.align(regions, words, heard)  # (B, R, N)
            aligned = by_word @ words  # (B, R, D)
            by_word = self.mix(aligned, aligned, seen) @ by_word
        else:
            by_word = masked_softmax(words.new_zeros(*seen.shape, words.shape[1]), heard.unsqueeze(1))
        aligned = unit(by_word @ words)
        gates = self.gates(regions, aligned)  # (B, R, 1 or D)
        both = torch.cat([gates * regions, gates * aligned], dim=-1)
        rows = functional.relu(self.combine(both)) + regions
        by_region = self.pool(rows, seen)  # (B, R)
        attention = {
            "regions": by_region,
            "words": torch.einsum("br,brn->bn", by_region, by_word),
            "gates": gates.mean(dim=-1) * seen,
        }
        return unit(torch.einsum("br,brd->bd", by_region, rows)), attention

    def gates(self, regions: Tensor, aligned: Tensor) -> Tensor:
        """How far regions [B, R, D] and their words [B, R, D] are let through: [B, R, 1 or D]."""
        agreement = regions * aligned
        if self.gate == "none":
            return torch.ones_like(agreement[..., :1])
        return torch.sigmoid(agreement if self.gate == "vector" else agreement.sum(dim=-1, keepdim=True))

    def hidden(self, head: nn.Module, *parts: Tensor) -> Tensor:
        """What a head makes of parts [B, …]: [B, HIDDEN]."""
        return functional.relu(head(self.dropout(torch.cat(parts, dim=-1))))


def unit(rows: Tensor) -> Tensor:
    """Rows [..., D] of length 1; a row of zeros stays."""
    return functional.normalize(rows, dim=-1, eps=1e-6)
