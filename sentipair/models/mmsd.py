"""MMSD's hierarchical fusion: text, picture and the words that name what is in the picture guide one another.

Cai, Cai & Wan, "Multi-Modal Sarcasm Detection in Twitter with Hierarchical Fusion Model", ACL 2019,
https://doi.org/10.18653/v1/P19-1239. Authors' code: https://github.com/headacheboy/data-of-multimodal-sarcasm-detection.
Grade A: code read. As the code and unlike the paper, the first attention over attributes has a ReLU and not a tanh, and
the picture's guidance is the mean of its projected cells.

Both versions differ from the released code in what follows:

* token states of the text encoder in place of word vectors (that code trains those of the text on); an attribute may be
  several tokens;
* the cells are those of the image encoder (7×7 of ResNet-50), not of 14×14 pieces of the picture;
* logits per class in place of one, and no weight for the rarer class;
* a picture or attributes that are absent are left out of the modality fusion.

``fidelity="published"`` computes what the released code computes besides: a text is padded to 75 positions, which take
part in the BiLSTM and all attention. ``fidelity="sound"`` (default) masks them. That code also stores, of all epochs
that set a record on validation, the one that is best on *test*; here nobody does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sentipair.features import FeatureSpec, ImageGrid, PairBatch, TextLayers
from sentipair.models.base import Fidelity, PairModel, PairOutput, Range, register
from sentipair.models.layers import (
    AdditiveAttention,
    Dropout,
    WideLinear,
    frozen_rows,
    masked_mean,
    masked_softmax,
    unpack,
)
from sentipair.settings import Count, Rate

PADDED_LENGTH = 77
"""75 words, and the two positions that the store takes off."""


class GuidedAttention(nn.Module):
    """The elements of one modality, pooled under the guidance of all three (section "Representation Fusion").

    Args:
        size: width of an element.
        guidances: width of each guidance vector.
    """

    def __init__(self, size: int, guidances: Sequence[int]) -> None:
        super().__init__()
        self.attentions = nn.ModuleList(
            AdditiveAttention(size, guidance, (size + guidance) // 2) for guidance in guidances
        )

    def forward(self, elements: Tensor, guidances: Sequence[Tensor], mask: Tensor) -> tuple[Tensor, Tensor]:
        """Elements [B, N, d], guidances [B, g], mask [B, N] → their mean [B, d] by the mean of the weights [B, N]."""
        pooled, weights = zip(
            *(
                attention(elements, guidance, mask)
                for attention, guidance in zip(self.attentions, guidances, strict=True)
            ),
            strict=True,
        )
        return torch.stack(pooled).mean(0), torch.stack(weights).mean(0)


class ModalityFusion(nn.Module):
    """The modalities in one space, weighed against one another (section "Modality Fusion").

    Args:
        sizes: width of each modality's vector.
        dim: D of the space.
    """

    def __init__(self, sizes: Sequence[int], dim: int) -> None:
        super().__init__()
        self.embed = nn.ModuleList(nn.Sequential(nn.Linear(size, dim), nn.Tanh()) for size in sizes)
        self.score = nn.ModuleList(
            nn.Sequential(nn.Linear(size, dim), nn.Tanh(), nn.Linear(dim, 1)) for size in sizes
        )

    def forward(self, vectors: Sequence[Tensor], present: Tensor) -> tuple[Tensor, Tensor]:
        """M vectors [B, d_m] and which are there [B, M] → embeddings [B, M, D] and weights [B, M]."""
        embeddings = torch.stack([embed(v) for embed, v in zip(self.embed, vectors, strict=True)], dim=1)
        scores = torch.cat([score(v) for score, v in zip(self.score, vectors, strict=True)], dim=1)
        return embeddings, masked_softmax(scores, present)


@register("mmsd")
class MMSD(PairModel):
    """Hierarchical fusion of text, picture and attributes.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder's grid.
        fidelity: see the module.
        hidden: of the BiLSTM, per direction.
        image_width: of a projected cell.
        dim: D of the modality fusion, twice the width of the classifier.
        dropout: of the words before the BiLSTM.
        input_dropout: of cells and attributes; 0 in the paper.
    """

    title = "MMSD hierarchical fusion"
    citation = (
        "Cai, Y., Cai, H. and Wan, X. Multi-Modal Sarcasm Detection in Twitter with Hierarchical Fusion Model. "
        "ACL 2019. doi:10.18653/v1/P19-1239"
    )
    adapted = (
        "Token states of the text encoder in place of word vectors, and the image encoder's grid in place of 14×14 "
        "pieces of the picture."
    )
    search_space: ClassVar[Mapping[str, Range]] = {
        "model.dropout": Range(0.0, 0.7),
        "model.input_dropout": Range(0.0, 0.7),
        "training.learning_rate": Range(1e-4, 3e-3, log=True),
        "training.weight_decay": Range(1e-3, 1.0, log=True),
    }

    def __init__(
        self,
        *,
        classes: Count = 3,
        text_dim: Count = 768,
        image_dim: Count = 2048,
        fidelity: Fidelity = "sound",
        hidden: Count = 256,
        image_width: Count = 1024,
        dim: Count = 512,
        dropout: Rate = 0.2,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.published = fidelity == "published"
        self.frozen = partial(frozen_rows, as_they_are=self.published)
        self.hidden = hidden
        sizes = [2 * hidden, image_width, text_dim]
        self.dropout, self.input_dropout = Dropout(dropout), Dropout(input_dropout)
        self.score_attribute = nn.Sequential(
            nn.Linear(text_dim, text_dim // 2), nn.ReLU(), nn.Linear(text_dim // 2, 1, bias=False)
        )
        self.cells = nn.Sequential(WideLinear(image_dim, image_width), nn.ReLU())
        self.start = nn.Sequential(nn.Linear(text_dim, 4 * hidden), nn.ReLU())
        self.lstm = nn.LSTM(text_dim, hidden, batch_first=True, bidirectional=True)
        self.pool_text, self.pool_image, self.pool_attributes = (
            GuidedAttention(size, sizes) for size in sizes
        )
        self.fusion = ModalityFusion(sizes, dim)
        self.classifier = nn.Sequential(nn.Linear(dim, dim // 2), nn.ReLU(), nn.Linear(dim // 2, classes))

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last layer of text and attributes, and the image grid."""
        pad_to = PADDED_LENGTH if self.published else None
        return [TextLayers(last=1, pad_to=pad_to), TextLayers(last=1, of="attributes"), ImageGrid()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs; the attention is over tokens, cells, attribute tokens, and these three modalities."""
        text_mask, image_mask, words_mask = (batch[f"{name}_mask"] for name in ("text", "grid", "attributes"))
        words = unpack(self.frozen(batch, "attributes", self.input_dropout)[:, -1], words_mask)  # (B, A, d)
        weights = masked_softmax(self.score_attribute(words).squeeze(-1), words_mask)
        by_words = torch.einsum("ba,bad->bd", weights, words)
        cells = unpack(self.cells(self.frozen(batch, "grid", self.input_dropout)), image_mask)  # (B, R, w)
        states = self.read(batch, by_words)  # (B, N, 2h)
        guidances = [masked_mean(states, text_mask), masked_mean(cells, image_mask), by_words]
        text, over_text = self.pool_text(states, guidances, text_mask)
        image, over_image = self.pool_image(cells, guidances, image_mask)
        attributes, over_words = self.pool_attributes(words, guidances, words_mask)
        present = torch.stack([mask.any(1) for mask in (text_mask, image_mask, words_mask)], dim=1)  # (B, 3)
        embeddings, over_modalities = self.fusion([text, image, attributes], present)
        fused = torch.einsum("bm,bmd->bd", over_modalities, embeddings)
        return PairOutput(
            logits=self.classifier(fused),
            image=embeddings[:, 1],
            text=embeddings[:, 0],
            fused=fused,
            attention={
                "text": over_text,
                "image": over_image,
                "attributes": over_words,
                "modalities": over_modalities,
            },
        )

    def read(self, batch: PairBatch, guidance: Tensor) -> Tensor:
        """BiLSTM states [B, N, 2h] of the text, started from the attributes' guidance [B, d]; zero behind its end."""
        mask = batch["text_mask"]
        start = self.start(guidance).unflatten(-1, (2, 2, self.hidden))  # (B, state, direction, h)
        hidden, cell = start.permute(1, 2, 0, 3).contiguous()
        words = unpack(self.frozen(batch, "text", self.dropout)[:, -1], mask)
        lengths = mask.sum(1).clamp(min=1).cpu()  # an empty text is read as one zero, which stays masked
        packed = pack_padded_sequence(words, lengths, batch_first=True, enforce_sorted=False)
        states, _ = self.lstm(packed, (hidden, cell))
        padded: Tensor = pad_packed_sequence(states, batch_first=True, total_length=mask.shape[1])[0]
        return padded
