"""The plug-in that makes the last layers of an encoder part of any model, so that they are trained with it.

Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", NAACL 2019
(arXiv 1810.04805), fine-tune all layers; Howard & Ruder, ACL 2018 (arXiv 1801.06146), the last ones with smaller
steps. What the layers read comes from the feature store, so a text or picture costs only what is trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sentipair.data.pair import Modality
from sentipair.devices import Together, device, processes, rank
from sentipair.encoders import Encoders
from sentipair.encoders.lower import LowerImageEncoder, LowerTextEncoder
from sentipair.errors import UserError
from sentipair.features import FeatureSpec, ImageGrid, ImageVector, PairBatch, TextLayers
from sentipair.features.lower import LowerImage, LowerTextLayers
from sentipair.models.base import PairModel, PairOutput
from sentipair.models.layers import has_bf16_units
from sentipair.settings import Count

READS: Mapping[Modality, tuple[type[FeatureSpec[Any]], ...]] = {
    "text": (TextLayers,),
    "image": (ImageGrid, ImageVector),
}
"""The features that an encoder gives."""


class FineTuned(PairModel):
    """Any model with the last layers of the encoders that it reads.

    The layers have no weights (they are on the "meta" device) until ``load_pretrained`` or ``load_state_dict``. In
    training they compute in bf16 where the processor has units for it, in evaluation in single precision; on the GPU
    where there is one, while the inner model stays where its inputs are. A pair still depends on nothing around it:
    padding is masked, batch normalisation keeps its statistics.

    Args:
        model: the inner model.
        layers: how many layers of which encoder.
        encoders: ``"text"`` and ``"image"`` → name, folder or Hugging Face id.

    Raises:
        UserError: the model does not read such an encoder, or reads padding; the encoder has fewer layers, or its kind
            is not known.
    """

    title = "Fine-tuned encoder layers as a plug-in"
    citation = (
        "Devlin, J., Chang, M.-W., Lee, K. and Toutanova, K. BERT: Pre-training of Deep Bidirectional Transformers for "
        "Language Understanding. NAACL 2019. arXiv:1810.04805"
    )
    expansion = 16  # a hidden layer four times as wide before and after its activation, in single precision

    def __init__(
        self, model: PairModel, *, layers: Mapping[Modality, Count], encoders: Mapping[str, str]
    ) -> None:
        super().__init__()
        self.model = model
        self.layers = dict(layers)
        self.encoders = Encoders(**encoders, engine="torch")
        self.read: dict[Modality, list[Any]] = {
            modality: [spec for spec in model.requires if isinstance(spec, READS[modality])]
            for modality in self.layers
        }
        self.tops = nn.ModuleDict()
        for modality, read in self.read.items():
            if not read:
                raise UserError(
                    f"this model does not read the {modality} encoder; leave out --finetune {modality}"
                )
            if any(isinstance(spec, TextLayers) and spec.pad_to for spec in read):
                raise UserError("a model that reads padding cannot be fine-tuned; use --fidelity sound")
            self.tops[modality] = self.encoder_below(modality).top(pretrained=False)

    def encoder_below(self, modality: Modality) -> LowerTextEncoder | LowerImageEncoder:
        """The encoder of a modality without the layers that are trained."""
        below = self.layers[modality]
        if modality == "image":
            return self.encoders.lower_image_encoder(below=below)
        length = self.read["text"][0].max_length
        return self.encoders.lower_text_encoder(below=below, last=1, max_length=length)

    def _lower(self, spec: FeatureSpec[Any]) -> FeatureSpec[Any]:
        """What is stored instead of a feature, if its encoder is fine-tuned."""
        if spec in self.read.get("image", ()):
            return LowerImage(below=self.layers["image"])
        if isinstance(spec, TextLayers) and "text" in self.layers:
            below = self.layers["text"]
            last = max(1, spec.last - below)
            return LowerTextLayers(below=below, last=last, max_length=spec.max_length, of=spec.of)
        return spec

    def load_pretrained(self) -> None:
        """Give the layers the weights that they have in the encoders."""
        for modality in self.layers:
            pretrained = self.encoder_below(modality).top(pretrained=True)
            self.tops[modality].load_state_dict(pretrained.state_dict(), assign=True)
        self.tops.to(device())

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        """What the inner model requires, and the states below the layers in place of what they give."""
        return list(dict.fromkeys(map(self._lower, self.model.requires)))

    def forward(self, batch: PairBatch) -> PairOutput:
        """Classify B pairs."""
        features = dict(batch.features)
        for spec in self.read.get("text", ()):
            features |= self.read_text(batch, spec)
        if "image" in self.read:
            features |= self.read_image(batch)
        return self.model(replace(batch, features=features, _rows={}))  # type: ignore[no-any-return]

    def read_text(self, batch: PairBatch, spec: TextLayers) -> dict[str, Tensor]:
        """The features of ``spec`` with the trained layers' states, in single precision."""
        name = spec.of
        ends = torch.stack([batch[f"{name}_cls"], batch[f"{name}_sep"]], dim=1)
        below = torch.cat([ends, batch[name].float()], dim=1)  # (B, 2 + N, lower, d)
        mask = functional.pad(batch[f"{name}_mask"], (2, 0), value=True)
        states = self.run("text", below[:, :, -1], mask)  # (B, 2 + N, k, d)
        if spec.last > states.shape[2]:
            states = torch.cat([below, states], dim=2)
        states = states[:, :, -spec.last :]
        return {name: states[:, 2:], f"{name}_cls": states[:, 0]}

    def read_image(self, batch: PairBatch) -> dict[str, Tensor]:
        """The grid and the vector with the trained layers' states; those of an absent picture are zero."""
        present = batch["image_present"]
        seen = self.run("image", batch["image_states"][present].float())  # (M, P + R, d)
        places = present.nonzero().squeeze(1)
        states = seen.new_zeros(len(batch), *seen.shape[1:]).index_copy(0, places, seen)
        prefix = states.shape[1] - isqrt(states.shape[1]) ** 2  # [CLS] of a ViT
        grid = states[:, prefix:]
        mask = present.unsqueeze(1).expand(grid.shape[:2])
        return {"grid": grid, "grid_mask": mask, "image": states[:, 0] if prefix else grid.mean(1)}

    def run(self, modality: Modality, *inputs: Tensor) -> Tensor:
        """The layers of a modality on inputs [B, …]; the result is in single precision.

        In training, several processes compute every so many rows each and put them together.
        """
        if not self.training or processes() == 1:
            return self._run(modality, *inputs)
        devices = [device()] if device().type == "cuda" else []
        dropout = int(
            torch.randint(2**62, ())
        )  # the same in all processes, and so is what is drawn after this
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(dropout + rank())
            own = self._run(modality, *(each[rank() :: processes()] for each in inputs))
        together: Tensor = Together.apply(own, len(inputs[0]))  # type: ignore[no-untyped-call]
        return together

    def _run(self, modality: Modality, *inputs: Tensor) -> Tensor:
        where = device()
        has_bf16 = torch.cuda.is_bf16_supported() if where.type == "cuda" else has_bf16_units()
        top = self.tops[modality].to(where)
        with torch.autocast(where.type, dtype=torch.bfloat16, enabled=self.training and has_bf16):
            states: Tensor = top(*(each.to(where) for each in inputs))
        return states.float().to(inputs[0].device)
