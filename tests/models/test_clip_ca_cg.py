"""CLIP-CA-CG: the contract under all settings, and its parts against slow ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sentipair.errors import UserError
from sentipair.features import CLIPImage, CLIPText, ImageGrid, ImageVector, TextLayers
from sentipair.models import CLIPCACG
from sentipair.models.clip_ca_cg import CrossAttention, Gate
from sentipair.models.joint_space import towers_of
from sentipair.objectives import TwoTowerFirst

from .cases import ALL_SIZES, SIZES, ModelCase, random_batch

SMALL = {"dim": 16, "heads": 4, "hidden": 16}
TOWERS = {**SMALL, "clip": "two-tower"}


class TestCLIPCACG(ModelCase):
    model = CLIPCACG
    variants = (
        SMALL,
        {**SMALL, "form": "sequence"},
        TOWERS,
        {**TOWERS, "form": "sequence", "input_dropout": 0.3},
        {**TOWERS, "cross_attention": False},
        {**TOWERS, "gate": False},
        {**SMALL, "clip": "none"},
        {**TOWERS, "modalities": "text"},
        {**TOWERS, "modalities": "image"},
    )

    def test_every_parameter_learns(self, variant: Mapping[str, Any]) -> None:
        """By both stages together: the scale of the towers has the CLIP loss alone."""
        largest: dict[str, float] = defaultdict(float)
        for seed in range(4):
            model, objective = self.build(variant, seed=seed), TwoTowerFirst()
            batch = random_batch(model, seed=seed)
            objective.begin_epoch(model, 1)
            output = model(batch)
            loss = nn.functional.cross_entropy(output.logits, batch.labels)
            (loss if objective.selectable else loss + objective.contrast(output)).backward()
            for name, parameter in model.named_parameters():
                assert parameter.grad is not None, name
                assert parameter.grad.isfinite().all(), name
                largest[name] = max(largest[name], parameter.grad.abs().max().item())
        assert [name for name, value in largest.items() if value == 0] == []


def build(**settings: Any) -> CLIPCACG:
    torch.manual_seed(0)
    return CLIPCACG(**{**SIZES, "clip_dim": ALL_SIZES["clip_dim"], **SMALL, **settings}).eval()


def full_attention(part: CrossAttention, *, query: nn.Linear, key: nn.Linear) -> nn.MultiheadAttention:
    """PyTorch's attention with the values and the output of ``part``."""
    full = nn.MultiheadAttention(query.in_features, part.heads, batch_first=True).eval()
    with torch.no_grad():
        full.in_proj_weight.copy_(torch.cat([query.weight, key.weight, part.value.weight]))
        full.in_proj_bias.copy_(torch.cat([query.bias, key.bias, part.value.bias]))
        full.out_proj.load_state_dict(part.output.state_dict())
    return full


def test_with_one_key_any_queries_and_keys_give_weights_of_one() -> None:
    torch.manual_seed(0)
    part = CrossAttention(16, 4, one_key=True, dropout=0.3).eval()
    full = full_attention(part, query=nn.Linear(16, 16), key=nn.Linear(16, 16))
    features, memory = torch.randn(3, 5, 16), torch.randn(3, 1, 16)
    expected, their_weights = full(features, memory, memory)
    found, weights = part(features, (memory, torch.ones(3, 1, dtype=torch.bool)))
    torch.testing.assert_close(found, part.norm(features + expected))
    assert torch.equal(their_weights, torch.ones(3, 5, 1))
    assert torch.equal(weights, torch.ones(3, 5, 1))


def test_attention_to_a_sequence_is_pytorchs() -> None:
    torch.manual_seed(0)
    part = CrossAttention(16, 4, one_key=False, dropout=0.3).eval()
    full = full_attention(part, query=part.query, key=part.key)
    features, memory = torch.randn(3, 5, 16), torch.randn(3, 7, 16)
    mask = torch.arange(7) < torch.tensor([[7], [2], [1]])
    expected, their_weights = full(features, memory, memory, key_padding_mask=~mask)
    found, weights = part(features, (memory, mask))
    torch.testing.assert_close(found, part.norm(features + expected))
    torch.testing.assert_close(weights, their_weights)


def test_the_gate_in_numbers() -> None:
    torch.manual_seed(0)
    gate, values = Gate(6, 4), torch.randn(3, 6)
    found = gate(values).detach().numpy()
    for row, x in enumerate(values.double().numpy()):
        opened = 1 / (
            1 + np.exp(-(gate.gate[0].weight.detach().numpy() @ x + gate.gate[0].bias.detach().numpy()))
        )
        mixed = gate.mix[0].weight.detach().numpy() @ x + gate.mix[0].bias.detach().numpy()
        expected = opened * (mixed - mixed.mean()) / np.sqrt(mixed.var() + 1e-5)
        np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=1e-6)


def test_heads_are_weighed_by_lambda() -> None:
    """λ = 0 leaves the image head out of the answer, λ = 1 the text head."""
    for weight, ignored, heard in ((0.0, "image_head", "text_head"), (1.0, "text_head", "image_head")):
        model = build(image_weight=weight)
        batch = random_batch(model)
        usual = model(batch).logits
        getattr(model, ignored)[1].bias.data += 1
        assert torch.equal(model(batch).logits, usual)
        getattr(model, heard)[1].bias.data += 1
        assert (model(batch).logits - usual).abs().max() > 1e-3


@pytest.mark.parametrize("clip", ["clip", "two-tower"])
def test_embeddings_are_those_of_the_joint_space(clip: str) -> None:
    model = build(clip=clip, form="sequence")
    batch = random_batch(model)
    output = model(batch)
    has_image = torch.tensor([True, True, False, False, *[True] * 4])
    torch.testing.assert_close(output.image.norm(dim=1), has_image.float())
    has_text = torch.ones(8) if clip == "clip" else batch["text_mask"].any(1).float()
    torch.testing.assert_close(output.text.norm(dim=1), has_text)
    torch.testing.assert_close(output.attention["cells"].sum(1), has_image.float())


def test_a_tower_by_hand() -> None:
    model = build(clip="two-tower")
    batch = random_batch(model)
    towers = towers_of(model)
    found = model(batch)
    count = int(batch["text_mask"][0].sum())
    features = {
        "text": batch["text"][0, :count, -1].double().numpy().mean(axis=0),
        "image": batch["image"][0].double().numpy(),
    }
    for name, values in features.items():
        scaled = (values - values.mean()) / np.sqrt(values.var() + 1e-5)
        mapped = getattr(towers, name)[2].weight.detach().double().numpy() @ scaled
        np.testing.assert_allclose(
            getattr(found, name)[0].detach().numpy(), mapped / np.linalg.norm(mapped), rtol=1e-3, atol=1e-4
        )
    assert towers.scale.item() == pytest.approx(1 / 0.07)


def test_it_asks_for_what_it_reads() -> None:
    own = [TextLayers(last=1), ImageVector()]
    assert build().requires == [*own, CLIPText(), CLIPImage()]
    assert build(form="sequence").requires == [*own, CLIPText(), CLIPImage(patches=True)]
    assert build(clip="two-tower").requires == own
    assert build(clip="two-tower", form="sequence").requires == [*own, ImageGrid()]
    assert build(clip="two-tower", form="sequence", cross_attention=False).requires == own
    assert build(clip="none", form="sequence").requires == own
    assert build(modalities="text").requires == own[:1]
    assert build(modalities="image").requires == own[1:]


def test_the_literal_form_has_no_parts_that_cannot_learn() -> None:
    names = {name.rsplit(".", 1)[0] for name, _ in build().named_parameters()}
    assert not {"attend_image.query", "attend_text.key"} & names
    names = {name.rsplit(".", 1)[0] for name, _ in build(form="sequence").named_parameters()}
    assert {"attend_image.query", "attend_text.key"} <= names


def test_heads_that_do_not_divide_are_refused() -> None:
    with pytest.raises(UserError, match=r"model\.heads=8 do not divide model\.dim=20"):
        build(dim=20, heads=8)
