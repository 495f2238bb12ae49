"""CLMLF: words and places of a post in one transformer, trained with two contrastive losses.

Li, Xu, Zhu & Zhao, "CLMLF: A Contrastive Learning and Multi-Layer Fusion Method for Multimodal Sentiment Detection",
Findings of NAACL 2022, https://doi.org/10.18653/v1/2022.findings-naacl.175 (arXiv 2204.05515). Authors' code:
https://github.com/Link-Li/CLMLF. Grade A: code read. The losses are in ``objectives/clmlf.py``.

Both versions differ from the released code in what follows:

* BERT is frozen (there it is, for the first 20 of 50 epochs); its [SEP] is not among the tokens;
* features are stored, so the second view of a post is the same features under other dropout, where theirs is a text
  translated there and back and a distorted picture; and the frozen ResNet is in evaluation mode;
* there are as many outputs as classes; that code has three on HFM's two classes too.

``fidelity="published"`` computes what the released code computes besides: the feature map [C, 7, 7] is read as 49 rows
of C numbers without turning it, so that an "image token" is a slice of channels and not a place, and no dropout stands
between the two layers of a feed-forward network. ``fidelity="sound"`` (default) has a token per place, and dropout
there too. In both, the [CLS] of the text and the vector of the whole picture are never masked; of an absent picture the
latter is zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from sentipair.errors import UserError
from sentipair.features import FeatureSpec, ImageGrid, ImageVector, PairBatch, TextLayers
from sentipair.models.base import Fidelity, PairModel, PairOutput, Range, register
from sentipair.models.layers import Dropout, WideLinear, masked_softmax, recomputed, unpack
from sentipair.settings import Count, Rate


@register("clmlf")
class CLMLF(PairModel):
    """Contrastive learning and multi-layer fusion.

    Args:
        classes: number of classes K.
        text_dim: width of the text encoder's states.
        image_dim: channels of the image encoder's grid.
        fidelity: see the module.
        dim: D of the transformers, a multiple of ``heads``.
        heads: of every attention.
        image_layers: of the transformer over the picture alone (2; 1 on HFM).
        layers: of the transformer over both (3 on MVSA-Single, 4 on MVSA-Multiple, 5 on HFM).
        dropout: everywhere but of the inputs.
        input_dropout: of the frozen features; 0 in the paper.

    Raises:
        UserError: ``dim`` is no multiple of ``heads``.
    """

    title = "Contrastive Learning and Multi-Layer Fusion"
    citation = (
        "Li, Z., Xu, B., Zhu, C. and Zhao, T. CLMLF: A Contrastive Learning and Multi-Layer Fusion Method for "
        "Multimodal Sentiment Detection. Findings of NAACL 2022. doi:10.18653/v1/2022.findings-naacl.175"
    )
    adapted = (
        "BERT is frozen, and the second view of a post is other dropout in place of a back-translated text and a "
        "distorted picture."
    )
    search_space: ClassVar[Mapping[str, Range]] = {
        "model.dropout": Range(0.0, 0.5),
        "model.input_dropout": Range(0.0, 0.5),
        "objective.temperature": Range(0.05, 1.0, log=True),
        "training.learning_rate": Range(3e-5, 1e-3, log=True),
    }

    def __init__(
        self,
        *,
        classes: Count = 3,
        text_dim: Count = 768,
        image_dim: Count = 2048,
        fidelity: Fidelity = "sound",
        dim: Count = 768,
        heads: Count = 12,
        image_layers: Count = 2,
        layers: Count = 3,
        dropout: Rate = 0.1,
        input_dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        if dim % heads:
            raise UserError(f"model.dim={dim} is no multiple of model.heads={heads}; choose another")
        self.published = fidelity == "published"

        def embed(size: int) -> nn.Sequential:
            return nn.Sequential(Dropout(input_dropout), WideLinear(size, dim), nn.GELU())

        def layer() -> nn.TransformerEncoderLayer:
            new = nn.TransformerEncoderLayer(
                dim, heads, 4 * dim, dropout, activation="gelu", batch_first=True
            )
            new.dropout1 = new.dropout2 = Dropout(dropout)  # type: ignore[assignment]  # the fast one
            new.dropout = Dropout(0.0 if self.published else dropout)  # type: ignore[assignment]  # RoBERTa's has none
            return new

        def transformer(depth: int) -> nn.ModuleList:
            return nn.ModuleList(layer() for _ in range(depth))

        def project() -> nn.Sequential:
            return nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, dim))

        self.embed_tokens = embed(text_dim)
        self.embed_cells, self.embed_picture = embed(image_dim), embed(image_dim)
        self.image_transformer, self.transformer = transformer(image_layers), transformer(layers)
        self.score = nn.Sequential(nn.Linear(dim, dim // 2), nn.GELU(), nn.Linear(dim // 2, 1, bias=False))
        self.classifier = nn.Sequential(
            Dropout(dropout), nn.Linear(dim, dim // 2), nn.GELU(), nn.Linear(dim // 2, classes)
        )
        self.project_original, self.project_augmented = project(), project()

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """The last text layer, and the picture in cells and as a whole."""
        return [TextLayers(last=1), ImageGrid(), ImageVector()]

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs; the attention is what tokens [B, N] and cells [B, R] have in the pooled vector."""
        if self.published:
            batch = replace(batch, features={**batch.features, "grid": misread(batch["grid"])}, _rows={})
        text, text_mask = self.embed_text(batch)  # (B, 1 + N, D)
        image, image_mask = self.embed_image(batch)  # (B, 1 + R, D)
        image = read(self.image_transformer, image, image_mask)
        states, mask = torch.cat([text, image], dim=1), torch.cat([text_mask, image_mask], dim=1)
        states = read(self.transformer, states, mask)
        weights = masked_softmax(self.score(states).squeeze(-1), mask)  # (B, 2 + N + R)
        fused = torch.einsum("bn,bnd->bd", weights, states)
        of_text, of_image = weights.split([text.shape[1], image.shape[1]], dim=1)
        return PairOutput(
            logits=self.classifier(fused),
            fused=fused,
            views={"original": self.project_original(fused), "augmented": self.project_augmented(fused)},
            attention={"text": of_text[:, 1:], "image": of_image[:, 1:]},
        )

    def embed_text(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """[CLS] and tokens [B, 1 + N, D] with their mask."""
        mask = batch["text_mask"]
        cls = self.embed_tokens(batch["text_cls"][:, -1:])  # (B, 1, D)
        tokens = unpack(self.embed_tokens(batch.rows("text")[:, -1]), mask)  # (B, N, D)
        return torch.cat([cls, tokens], dim=1), and_first(mask)

    def embed_image(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """The whole picture and its cells [B, 1 + R, D] with their mask."""
        mask = batch["grid_mask"]
        picture = self.embed_picture(batch["image"].unsqueeze(1))  # (B, 1, D)
        cells = unpack(self.embed_cells(batch.rows("grid")), mask)  # (B, R, D)
        return torch.cat([picture, cells], dim=1), and_first(mask)


def read(transformer: nn.ModuleList, states: Tensor, mask: Tensor) -> Tensor:
    """States [B, N, D] after all layers; what is masked is attended to by nobody."""
    for layer in transformer:
        states = recomputed(partial(layer, src_key_padding_mask=~mask), states, width=states.shape[-1])
    return states


def and_first(mask: Tensor) -> Tensor:
    """Mask [B, N] with a true position before it: [B, 1 + N]."""
    return functional.pad(mask, (1, 0), value=True)


def misread(grid: Tensor) -> Tensor:
    """Cells [B, R, C] as the released code reads the map [B, C, R] that they come from: as R rows of C numbers."""
    return grid.transpose(1, 2).reshape(grid.shape)
