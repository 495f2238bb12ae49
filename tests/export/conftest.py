"""Small models, and states of encoders for them to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from sentipair.features import PairBatch, TextLayers
from sentipair.models import PairModel, model_class, settings_of

SIZES = {"text_dim": 12, "image_dim": 10}
CELLS = 9


@pytest.fixture(scope="session")
def small_model() -> Callable[..., PairModel]:
    """``small_model("spp-scl", dim=4)``: with random weights, in evaluation mode."""

    def make(name: str, **settings: object) -> PairModel:
        torch.manual_seed(0)
        known = settings_of(model_class(name))
        sizes = {name: size for name, size in SIZES.items() if name in known}
        return model_class(name)(**sizes, **settings).eval()

    return make


@pytest.fixture(scope="session")
def states_for() -> Callable[..., dict[str, Tensor]]:
    """``states_for(model, words=[3, 0], pictures=[True, False])``: inputs of its head.

    Behind every mask there are numbers too.
    """

    def make(
        model: PairModel, *, words: Sequence[int], pictures: Sequence[bool], seed: int = 0
    ) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator).half().float()  # records are in half precision

        count, longest = len(words), max(words) + 4
        layers = [spec.last for spec in model.requires if isinstance(spec, TextLayers)]
        states: dict[str, Tensor] = {}
        if layers:
            states["text_states"] = draw(count, longest, layers[0], SIZES["text_dim"])
            states["attention_mask"] = (torch.arange(longest) < torch.tensor(words).unsqueeze(1) + 2).long()
        if len(layers) < len(model.requires):
            states["image_states"] = draw(count, CELLS, SIZES["image_dim"])
            states["has_image"] = torch.tensor(pictures)
        return states

    return make


@pytest.fixture(scope="session")
def ask_model() -> Callable[..., dict[str, Tensor]]:
    """What the model says of the same states as records of a feature store: ``logits`` and those of each modality."""

    @torch.no_grad()
    def ask(model: PairModel, states: Mapping[str, Tensor], *, prefix: int = 0) -> dict[str, Tensor]:
        encoder = SimpleNamespace(shape=(CELLS, SIZES["image_dim"]), prefix=prefix)
        source = SimpleNamespace(dims=SIZES, encoder=encoder)
        features: dict[str, Tensor] = {}
        for spec in model.requires:
            if isinstance(spec, TextLayers):
                rows = zip(states["text_states"], states["attention_mask"].bool(), strict=True)
                records = [row[mask].half().numpy() for row, mask in rows]
            else:
                pictures = zip(states["image_states"], states["has_image"], strict=True)
                records = [row.half().numpy() if present else None for row, present in pictures]
            features |= spec.collate(records, source)
        count = len(next(iter(states.values())))
        output = model(PairBatch(ids=("",) * count, labels=torch.full((count,), -1), features=features))
        return {"logits": output.logits, **(output.unimodal or {})}

    return ask
