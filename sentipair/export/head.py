"""The part of a model behind the encoders as one graph: from their states to the scores."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sentipair.errors import UserError
from sentipair.features import ImageGrid, ImageVector, PairBatch, TextLayers
from sentipair.features.specs import TEXT
from sentipair.models import PairModel, PairOutput
from sentipair.models.persistence import ModelConfig


class Head(nn.Module):
    """States of the encoders → ``logits``, and what ``text`` and ``image`` say alone where the model has it: [B, K].

    It builds the batch that the feature specs build of stored records. The inputs are

    * ``text_states`` [B, N, L, d_text], [CLS] first, and ``attention_mask`` [B, N], one at real tokens; N at least 3;
    * ``image_states`` [B, P + R, d_image], P vectors before the cells, and ``has_image`` [B]; without a picture the
      states may be any finite numbers.

    Args:
        model: one that ``require_exportable`` accepts, in evaluation mode.
        prefix: P.
    """

    def __init__(self, model: PairModel, *, prefix: int) -> None:
        super().__init__()
        self.model = model
        self.prefix = prefix

    def forward(
        self,
        text_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        image_states: Tensor | None = None,
        has_image: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Classify B pairs; the inputs of a modality that the model does not read are left out."""
        features: dict[str, Tensor] = {}
        if text_states is not None and attention_mask is not None:
            # a position is a word where another token follows it: the last one is [SEP]
            mask = attention_mask[:, 2:].bool()
            features |= {"text": text_states[:, 1:-1], "text_mask": mask, "text_cls": text_states[:, 0]}
        if image_states is not None and has_image is not None:
            cells = image_states[:, self.prefix :]
            mask = has_image.unsqueeze(1).expand(-1, cells.shape[1])
            vector = image_states[:, 0] if self.prefix else cells.mean(dim=1)
            features |= {"grid": cells, "grid_mask": mask}
            features |= {"image": vector * has_image.unsqueeze(1), "image_present": has_image}
        output: PairOutput = self.model(PairBatch(ids=(), labels=torch.empty(0), features=features))
        return {"logits": output.logits, **(output.unimodal or {})}


def require_exportable(model: PairModel, config: ModelConfig) -> None:
    """Check that the model reads no more than the text and the picture of a post through frozen encoders.

    Raises:
        UserError: it requires something else or nothing at all, or is of published fidelity.
    """
    refusal = f"{config.model} cannot be exported"
    if config.settings.get("fidelity") == "published":
        raise UserError(
            f"{refusal}: scores of published fidelity may depend on other posts; train it with --fidelity sound"
        )
    if not model.requires:
        raise UserError(f"{refusal}: it reads neither texts nor pictures")
    for spec in model.requires:
        own_text = type(spec) is TextLayers and spec.of == TEXT  # not a kind of it: those read other states
        if not (own_text or type(spec) in (ImageGrid, ImageVector)):
            what = " ".join([type(spec).__name__, *filter(None, [getattr(spec, "of", None)])])
            raise UserError(
                f"{refusal}: it reads {what}; models can that read a post's text and picture through frozen encoders"
            )
