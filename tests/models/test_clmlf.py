"""CLMLF: the contract, the misread feature map, pooling by hand, and PyTorch's fast path for inference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch

from sentipair.errors import UserError
from sentipair.models import CLMLF, layers
from sentipair.models.clmlf import misread
from sentipair.models.layers import WIDE
from sentipair.objectives.clmlf import CLMLFObjective

from .cases import ModelCase, gradients_and_memory, random_batch

SIZES = {"classes": 3, "text_dim": 12, "image_dim": 10}
SMALL = {"dim": 12, "heads": 2, "image_layers": 1, "layers": 1}


def build(**settings: Any) -> CLMLF:
    torch.manual_seed(0)
    return CLMLF(**{**SIZES, **SMALL, **settings})


class TestCLMLF(ModelCase):
    model = CLMLF
    variants = (SMALL, {**SMALL, "fidelity": "published"})

    def test_every_parameter_learns(self, variant: Mapping[str, Any]) -> None:
        """With its own losses, for the projections know no other."""
        largest: dict[str, float] = defaultdict(float)
        for seed in range(4):
            model = self.build(variant, seed=seed)
            batch = random_batch(model, seed=seed)
            before = {name: value.clone() for name, value in model.named_parameters()}
            CLMLFObjective().step(model, batch, torch.optim.SGD(model.parameters(), lr=1e-2))
            for name, parameter in model.named_parameters():
                assert parameter.isfinite().all(), name
                largest[name] = max(largest[name], (parameter - before[name]).abs().max().item())
        assert [name for name, value in largest.items() if value == 0] == []


def test_the_map_is_misread_as_the_released_code_does() -> None:
    torch.manual_seed(0)
    maps = torch.randn(2, 10, 3, 3)
    cells = maps.flatten(2).transpose(1, 2)  # what the store holds: a row per place
    assert torch.equal(misread(cells), maps.contiguous().view(2, -1, 10))
    assert not torch.equal(misread(cells), cells)


def test_published_reads_the_misread_map() -> None:
    published, sound = build(fidelity="published").eval(), build().eval()
    batch = random_batch(sound)
    there = batch["grid_mask"].any(1)
    differ = (published(batch).logits - sound(batch).logits).abs().amax(1) > 1e-5
    assert torch.equal(differ, there)


def test_the_fused_vector_is_what_the_attention_says() -> None:
    model = build().eval()
    kept: dict[str, torch.Tensor] = {}
    model.transformer[-1].register_forward_hook(lambda _, __, output: kept.update(states=output))
    batch = random_batch(model)
    output = model(batch)
    words, cells = batch["text"].shape[1], batch["grid"].shape[1]
    assert output.attention["text"].shape == (8, words)
    assert output.attention["image"].shape == (8, cells)
    assert not output.attention["text"][~batch["text_mask"]].any()
    assert not output.attention["image"][~batch["grid_mask"]].any()
    for pair in range(8):
        here = [0, *(1 + i for i in range(words) if batch["text_mask"][pair, i]), 1 + words]
        here += [2 + words + i for i in range(cells) if batch["grid_mask"][pair, i]]
        states = kept["states"][pair, here]
        weights = model.score(states).squeeze(-1).softmax(0)
        torch.testing.assert_close(output.fused[pair], (weights.unsqueeze(1) * states).sum(0))


def test_an_absent_picture_has_no_cells_to_look_at() -> None:
    model = build().eval()
    batch = random_batch(model)
    fewer = {name: batch[name][:, :4] for name in ("grid", "grid_mask")}
    usual = model(batch).logits
    changed = model(replace(batch, features={**batch.features, **fewer}, _rows={})).logits
    absent = ~batch["grid_mask"].any(1)
    torch.testing.assert_close(changed[absent], usual[absent])
    assert (changed[~absent] - usual[~absent]).abs().max() > 1e-4


def test_inference_without_gradients_agrees() -> None:
    """There PyTorch takes a fused kernel, which must know the masks too, of a post with neither text nor picture."""
    model = build(image_layers=2, layers=3).eval()
    batch = random_batch(model)
    usual = model(batch)
    with torch.inference_mode():
        fast = model(batch)
    torch.testing.assert_close(fast.logits, usual.logits.detach())
    torch.testing.assert_close(fast.attention["text"], usual.attention["text"].detach())


def test_a_width_that_the_heads_cannot_share_is_refused() -> None:
    with pytest.raises(UserError, match=r"model.dim=25 is no multiple of model.heads=2"):
        build(dim=25)


def test_at_the_papers_width_its_layers_are_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(dim=WIDE, heads=8)
    batch = random_batch(model)
    again, kept_again = gradients_and_memory(model, lambda: model(batch).logits)
    monkeypatch.setattr(layers, "WIDE", WIDE + 1)
    once, kept_once = gradients_and_memory(model, lambda: model(batch).logits)
    assert len(again) == len(once) > 0
    assert all(map(torch.equal, again, once))
    assert kept_again < kept_once / 2
