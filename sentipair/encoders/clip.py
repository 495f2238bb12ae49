"""CLIP: a text and an image encoder whose outputs lie in one space.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021 (arXiv 2103.00020),
as transformers' ``CLIPModel`` holds it. Both encoders give vectors of length 1 after CLIP's projections.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sentipair.encoders.engines import Engine, EngineChoice
from sentipair.encoders.image import FeatureMap, ImageEncoder
from sentipair.encoders.loading import load_config, load_network
from sentipair.encoders.preprocessing import PREPROCESSORS, find_preprocessor
from sentipair.encoders.text import LENGTH_STEP, TextEncoder
from sentipair.errors import UserError


class TextEmbedding(nn.Module):
    """Token ids and mask [B, N] → the projected state of each text's last token [B, 1, d], of length 1."""

    def __init__(self, clip: Any) -> None:
        super().__init__()
        self.network = clip.text_model
        self.projection = clip.text_projection

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The last token is <|endoftext|>; padding behind it has the same id in CLIP, so the mask finds it."""
        states = self.network(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        last = (attention_mask.sum(dim=1) - 1).reshape(-1, 1, 1).expand(-1, 1, states.shape[-1])
        return functional.normalize(self.projection(states.gather(1, last)), dim=-1)


class CLIPTextEncoder(TextEncoder):
    """CLIP's text encoder: one vector of length 1 per text.

    Args:
        source: a folder with config.json, tokenizer and model.safetensors, or a Hugging Face id.
        engine: what ``choose_engine`` decided.

    Raises:
        UserError: no such model, its folder is incomplete, or it is no CLIP.
    """

    first_is_cls = False

    def __init__(self, source: str | Path, *, engine: EngineChoice) -> None:
        super().__init__(source, last=1, engine=engine)

    def configuration(self) -> Any:
        """What CLIP's configuration says of the text network."""
        return clip_config(self.folder).text_config

    @property
    def dim(self) -> int:
        """Width d of CLIP's space."""
        return int(clip_config(self.folder).projection_dim)

    @cached_property
    def engine(self) -> Engine:
        """The compiled network; made at first use, so that a warm feature store never loads the weights."""
        ids = torch.full((2, LENGTH_STEP), self.pad_id)
        return self.engine_choice.compile(
            TextEmbedding(load_network(self.folder)), (ids, torch.ones_like(ids))
        )


class CLIPImageEncoder(ImageEncoder):
    """CLIP's image encoder: one vector of length 1 per picture, and with ``patches`` one per patch behind it.

    CLIP was trained on the first vector only. A patch goes through the same last norm and projection, which keeps it in
    CLIP's space, though less exactly.

    Args:
        source: a folder with config.json, preprocessor_config.json and model.safetensors, or a Hugging Face id.
        patches: give the patches, row by row.
        engine: what ``choose_engine`` decided.

    Raises:
        UserError: no such model, its folder is incomplete, or it is no CLIP.
    """

    def __init__(self, source: str | Path, *, patches: bool, engine: EngineChoice) -> None:
        super().__init__(source, engine=engine)
        if find_preprocessor(self.weights) is None:  # ImageNet's would pass unnoticed
            raise UserError(f"{self.weights} lacks {PREPROCESSORS[0]}; download it beside the weights")
        self.patches = patches

    def configuration(self) -> Any:
        """CLIP's configuration."""
        return clip_config(self.weights)

    def _feature_map(self, network: Any) -> FeatureMap:
        vision, projection = network.vision_model, network.visual_projection

        def states(pixels: Tensor) -> Tensor:
            hidden = vision(pixel_values=pixels).last_hidden_state
            kept = hidden if self.patches else hidden[:, :1]
            return functional.normalize(projection(vision.post_layernorm(kept)), dim=-1)

        return FeatureMap(nn.ModuleList([vision, projection]), states, preprocessing=self.preprocessing)

    def describe(self) -> dict[str, object]:
        """Everything that the output depends on, except the picture."""
        return {**super().describe(), "patches": self.patches}


def clip_config(folder: Path) -> Any:
    """The configuration of the CLIP in ``folder``.

    Raises:
        UserError: another model is in it.
    """
    config = load_config(folder)
    if config.model_type != "clip":
        raise UserError(
            f"{folder} is a {config.model_type} model and no CLIP; try openai/clip-vit-base-patch32"
        )
    return config
