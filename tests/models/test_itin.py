"""ITIN: its alignment, gate and heads against loops; its ablations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sentipair.models import ITIN

from .cases import ModelCase, random_batch

Array = NDArray[np.float64]
SMALL = {"dim": 8, "regions": 3}


class TestITIN(ModelCase):
    model = ITIN
    variants = (
        SMALL,
        SMALL | {"fidelity": "published", "layers": 1},
        SMALL | {"alignment": False},
        SMALL | {"gate": "vector", "layers": 1},
        SMALL | {"gate": "none", "parts": "interaction"},
        SMALL | {"parts": "context", "input_dropout": 0.5},
    )


class Slowly:
    """One pair through the released architecture (models.md §3.2), row by row; knows the model's weights by name."""

    def __init__(self, model: ITIN) -> None:
        self.model = model
        self.weights = {name: value.double().numpy() for name, value in model.state_dict().items()}

    def linear(self, x: Array, name: str) -> Array:
        return self.weights[f"{name}.weight"] @ x + self.weights.get(f"{name}.bias", 0.0)

    def read(self, tokens: Array, name: str) -> list[Array]:
        gru = getattr(self.model, name).gru
        with torch.no_grad():
            states = gru(torch.from_numpy(tokens).float())[0].double().numpy()
        half = states.shape[-1] // 2
        return [(row[:half] + row[half:]) / 2 for row in states]

    def attend(self, asking: list[Array], asked: list[Array], name: str) -> list[Array]:
        """What each asking row gathers from those asked."""
        keys = [self.linear(row, f"{name}.key") for row in asked]
        gathered = []
        for row in asking:
            query = self.linear(row, f"{name}.query")
            weights = softmax(np.array([query @ key for key in keys]) / np.sqrt(len(query)))
            gathered.append(sum(weight * value for weight, value in zip(weights, asked, strict=True)))
        return gathered

    def fuse(self, regions: Array, words: list[Array]) -> tuple[Array, Array, Array]:
        """C, the weights of the regions, the gates."""
        seen = [unit(self.linear(row, "embed_region")) for row in regions]
        aligned = self.attend(seen, words, "align")
        aligned = [unit(row) for row in self.attend(aligned, aligned, "mix")]
        gates = [1 / (1 + np.exp(-(r @ u))) for r, u in zip(seen, aligned, strict=True)]
        rows = [
            np.maximum(self.linear(gate * np.concatenate([r, u]), "combine"), 0) + r
            for gate, r, u in zip(gates, seen, aligned, strict=True)
        ]
        scores = [
            self.linear(np.maximum(self.linear(row, "pool.scores.0"), 0), "pool.scores.2") for row in rows
        ]
        weights = np.mean([softmax(head) for head in np.array(scores).T], axis=0)
        fused = unit(sum(weight * row for weight, row in zip(weights, rows, strict=True)))
        return fused, weights, np.array(gates)

    def logits(self, regions: Array, tokens: Array, image: Array) -> Array:
        fused, _, _ = self.fuse(regions, self.read(tokens, "read_words"))
        text = np.mean(self.read(tokens, "read_context"), axis=0)
        said = []
        for name, context in (("visual", image), ("textual", text)):
            hidden = np.maximum(self.linear(np.concatenate([context, fused]), name), 0)
            said.append(self.linear(hidden, "classifier"))
        return 0.2 * said[0] + 0.8 * said[1]


def softmax(scores: Array) -> Array:
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()  # type: ignore[no-any-return]


def unit(row: Array) -> Array:
    return row / np.sqrt((row**2).sum())  # type: ignore[no-any-return]


def build(**settings: object) -> ITIN:
    torch.manual_seed(1)
    model = ITIN(classes=3, text_dim=12, image_dim=10, region_dim=14, **{**SMALL, **settings}).eval()
    for parameter in model.parameters():
        parameter.data *= 2  # far from even attention
    return model


def test_sound_reads_real_words_and_regions_only() -> None:
    model, batch = build(), random_batch(build())
    output, slowly = model(batch), Slowly(model)
    for pair in (0, 4, 5, 6, 7):  # those with text and picture
        words, seen = int(batch["text_mask"][pair].sum()), int(batch["regions_mask"][pair].sum())
        tokens = batch["text"][pair, :words, -1].double().numpy()
        regions, image = batch["regions"][pair, :seen].double().numpy(), batch["image"][pair].double().numpy()
        expected = slowly.logits(regions, tokens, image)
        np.testing.assert_allclose(output.logits[pair].detach(), expected, rtol=1e-4, atol=1e-5)
        _, weights, gates = slowly.fuse(regions, slowly.read(tokens, "read_words"))
        np.testing.assert_allclose(output.attention["regions"][pair, :seen].detach(), weights, rtol=1e-4)
        np.testing.assert_allclose(output.attention["gates"][pair, :seen].detach(), gates, rtol=1e-4)


def test_published_reads_the_class_token_and_the_padding() -> None:
    model = build(fidelity="published")
    batch, slowly = random_batch(model), Slowly(model)
    logits = model(batch).logits.detach()
    for pair in range(len(batch)):
        tokens = (
            torch.cat([batch["text_cls"][pair, -1:], batch["text"][pair, :, -1].float()]).double().numpy()
        )
        regions, image = batch["regions"][pair].double().numpy(), batch["image"][pair].double().numpy()
        assert len(tokens) == 100
        np.testing.assert_allclose(logits[pair], slowly.logits(regions, tokens, image), rtol=1e-4, atol=1e-5)


def test_weights_of_words_and_regions_sum_to_one_where_there_are_any() -> None:
    attention = build()(random_batch(build())).attention
    has_picture = torch.tensor([1.0, 1, 0, 0, 1, 1, 1, 1])
    has_both = torch.tensor([1.0, 0, 0, 0, 1, 1, 1, 1])
    torch.testing.assert_close(attention["regions"].sum(1), has_picture)
    torch.testing.assert_close(attention["words"].sum(1), has_both)
    assert (attention["gates"][[2, 3]] == 0).all()


def test_without_alignment_all_words_weigh_the_same() -> None:
    model = build(alignment=False)
    batch = random_batch(model)
    words = model(batch).attention["words"]
    count = int(batch["text_mask"][0].sum())
    torch.testing.assert_close(words[0, :count], torch.full((count,), 1 / count))
    assert not words[0, count:].any()


def test_the_context_alone_does_not_see_the_regions_and_the_interaction_not_the_context() -> None:
    context, interaction = build(parts="context"), build(parts="interaction")
    assert [type(spec).__name__ for spec in context.requires] == ["TextLayers", "ImageVector"]
    assert [type(spec).__name__ for spec in interaction.requires] == ["TextLayers", "Regions"]
    assert context(random_batch(context)).fused.shape == (8, 10 + 8)
    assert interaction(random_batch(interaction)).fused.shape == (8, 8)


@pytest.mark.parametrize(("weight", "kept"), [(1.0, "image"), (0.0, "text")])
def test_lambda_at_its_ends_leaves_one_head(weight: float, kept: str) -> None:
    model = build(parts="context", visual_weight=weight)
    batch = random_batch(model)
    before = model(batch).logits
    changed = {"image": batch["image"].flip(-1)} if kept == "text" else {"text": batch["text"].flip(-1)}
    after = model(type(batch)(ids=batch.ids, labels=batch.labels, features={**batch.features, **changed}))
    torch.testing.assert_close(after.logits, before)
