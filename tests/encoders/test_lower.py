"""Lower layers and the layers taken off them, against the whole network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sentipair.encoders import ImageEncoder, TextEncoder
from sentipair.encoders.engines import EngineChoice
from sentipair.encoders.lite0 import EFFICIENTNET_LITE0
from sentipair.encoders.lower import LowerImageEncoder, LowerTextEncoder
from sentipair.encoders.top import GROUP, flat, take_off
from sentipair.errors import UserError

TORCH = EngineChoice("torch", "f32")
TEXTS = [
    "a quiet day by the sea",
    "",
    "love!",
    "rain again. " * 8,
    *["the seas", "hate by the sea ."] * GROUP,
]


def stacked(records: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """Records [N, 1, d] as states [B, N, d] with 1000 behind the last position, and their mask."""
    lengths = torch.tensor([len(record) for record in records])
    states = torch.full((len(records), int(lengths.max()) + 3, records[0].shape[-1]), 1000.0)
    for row, record in zip(states, records, strict=True):
        row[: len(record)] = torch.from_numpy(record[:, -1]).float()
    return states, torch.arange(states.shape[1]) < lengths.unsqueeze(1)


@pytest.mark.parametrize("model", ["bert", "roberta"])
@pytest.mark.parametrize("below", [1, 2, 3])
def test_the_layers_of_a_text_network_give_what_the_whole_gives(
    model: str, below: int, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(model)
    whole = TextEncoder(folder, last=below, engine=TORCH).encode(TEXTS)
    lower = LowerTextEncoder(folder, below=below, last=1, max_length=128, engine=TORCH)
    states, mask = stacked(lower.encode(TEXTS))
    with torch.no_grad():
        top = lower.top(pretrained=True).eval()(states, mask)  # (B, N, below, d)
    for row, record in zip(top, whole, strict=True):
        found = row[: len(record)].numpy()
        assert np.linalg.norm(found - record) < 2e-3 * np.linalg.norm(record.astype(np.float32))


def test_several_states_below_are_those_of_the_whole(bert: Path) -> None:
    whole = TextEncoder(bert, last=3, engine=TORCH).encode(TEXTS[:4])
    lower = LowerTextEncoder(bert, below=1, last=2, max_length=128, engine=TORCH).encode(TEXTS[:4])
    for record, below in zip(whole, lower, strict=True):
        np.testing.assert_allclose(below, record[:, :2], atol=2e-3)


def test_a_text_does_not_depend_on_its_group_or_the_order_of_its_tokens(bert: Path) -> None:
    lower = LowerTextEncoder(bert, below=2, last=1, max_length=128, engine=TORCH)
    states, mask = stacked(lower.encode(TEXTS))
    top = lower.top(pretrained=True).eval()
    with torch.no_grad():
        together = top(states, mask)
        for i in range(len(TEXTS)):
            count = int(mask[i].sum())
            backwards = states[i : i + 1, :count].flip(1)
            alone = top(backwards, torch.ones(1, count, dtype=torch.bool))
            torch.testing.assert_close(alone[0].flip(0), together[i, :count], rtol=1e-4, atol=1e-5)


def pictures(side: int, count: int = 3) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.integers(0, 256, (side, side, 3), dtype=np.uint8) for _ in range(count)]


@pytest.mark.parametrize(
    ("model", "below"),
    [("resnet", 1), ("resnet", 2), ("vit", 1), ("vit", 2), ("efficientnet", 2), (EFFICIENTNET_LITE0, 1)],
)
def test_the_layers_of_a_vision_network_give_what_the_whole_gives(
    model: str, below: int, vision: Callable[[str], Path]
) -> None:
    source = model if model == EFFICIENTNET_LITE0 else vision(model)
    whole, lower = (
        ImageEncoder(source, engine=TORCH),
        LowerImageEncoder(source, below=below, engine=TORCH),
    )
    inputs = pictures(whole.preprocessing.crop)
    records = lower.encode(inputs)
    assert {record.shape for record in records} == {lower.shape}
    layers = lower.top(pretrained=True).eval()
    with torch.no_grad():
        top = layers(torch.from_numpy(np.stack(records)).float())
    expected = np.stack(whole.encode(inputs)).astype(np.float32)
    assert layers(torch.zeros(0, *lower.shape)).shape == (0, *expected.shape[1:])
    assert top.shape == expected.shape
    assert np.linalg.norm(top.numpy() - expected) < 5e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize("model", ["bert", "roberta"])
def test_trained_layers_are_put_back_into_a_text_network(model: str, request: pytest.FixtureRequest) -> None:
    lower = LowerTextEncoder(request.getfixturevalue(model), below=2, last=1, max_length=128, engine=TORCH)
    top = changed(lower.top(pretrained=True))
    ids = torch.tensor([[2, 4, 5, 6, 3]])
    with torch.no_grad():
        expected = top(lower.load(pretrained=True)(ids).last_hidden_state, torch.ones(1, 5, dtype=torch.bool))
        found = lower.whole(top).eval()(ids, output_hidden_states=True).hidden_states[-2:]
        unchanged = TextEncoder.load(lower, pretrained=True)(ids).last_hidden_state
    torch.testing.assert_close(torch.stack(found, dim=2), expected)
    assert not torch.allclose(found[-1], unchanged)


@pytest.mark.parametrize(("model", "below"), [("resnet", 1), ("vit", 2), ("efficientnet", 1)])
def test_trained_layers_are_put_back_into_a_vision_network(
    model: str, below: int, vision: Callable[[str], Path]
) -> None:
    lower = LowerImageEncoder(vision(model), below=below, engine=TORCH)
    top = changed(lower.top(pretrained=True))
    side = lower.preprocessing.crop
    pixels = torch.rand(2, 3, side, side)
    with torch.no_grad():
        expected = top(flat(lower.load(pretrained=True)(pixels).last_hidden_state))
        found = flat(lower.whole(top).eval()(pixels).last_hidden_state)
        unchanged = flat(ImageEncoder.load(lower, pretrained=True)(pixels).last_hidden_state)
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, unchanged)


def changed(top: nn.Module) -> nn.Module:
    """``top`` with other weights, in evaluation mode."""
    with torch.no_grad():
        for parameter in top.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    return top.eval()


def test_batch_normalisation_keeps_its_statistics(vision: Callable[[str], Path]) -> None:
    lower = LowerImageEncoder(vision("resnet"), below=1, engine=TORCH)
    top = lower.top(pretrained=True).train()
    states = torch.randn(4, *lower.shape)
    before = {name: value.clone() for name, value in top.state_dict().items()}
    alone, together = top(states[:1]), top(states)
    torch.testing.assert_close(alone[0], together[0])
    assert all(torch.equal(value, before[name]) for name, value in top.state_dict().items())
    assert top.training
    assert all(p.requires_grad for p in top.parameters())


def test_without_weights_the_layers_have_the_same_names_and_shapes(
    bert: Path, vision: Callable[[str], Path]
) -> None:
    text = LowerTextEncoder(bert, below=2, last=1, max_length=128, engine=TORCH)
    image = LowerImageEncoder(EFFICIENTNET_LITE0, below=2, engine=TORCH)
    for lower in (text, image, LowerImageEncoder(vision("vit"), below=1, engine=TORCH)):
        empty, full = (lower.top(pretrained=flag).state_dict() for flag in (False, True))
        assert {name: value.shape for name, value in empty.items()} == {
            name: value.shape for name, value in full.items()
        }
        assert all(value.is_meta for value in empty.values())
        assert not any(value.is_meta for value in full.values())


def test_what_is_missing_is_part_of_the_identity(bert: Path, vision: Callable[[str], Path]) -> None:
    described = [
        TextEncoder(bert, last=1, engine=TORCH).describe(),
        *(LowerTextEncoder(bert, below=k, last=1, max_length=128, engine=TORCH).describe() for k in (1, 2)),
        ImageEncoder(vision("vit"), engine=TORCH).describe(),
        *(LowerImageEncoder(vision("vit"), below=k, engine=TORCH).describe() for k in (1, 2)),
    ]
    assert all(described.count(each) == 1 for each in described)


def test_other_networks_and_too_many_layers_are_one_line(bert: Path) -> None:
    with pytest.raises(UserError, match="layers of a swin network cannot be fine-tuned; those of bert, "):
        take_off(nn.Module(), 1, "swin")
    lower = LowerTextEncoder(bert, below=4, last=1, max_length=128, engine=TORCH)
    with pytest.raises(UserError, match="the bert encoder has 3 layers, 4 are to be fine-tuned"):
        lower.top(pretrained=False)
