"""MPT: the common case, its parts against loops, and what becomes of posts that lack something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sentipair.features import PairBatch
from sentipair.models import MPT
from sentipair.models.mpt import AttentionalFusion, RandomlyScoredFusion, SelectiveKernels

from .cases import ModelCase, other_numbers_behind_masks, random_batch, scaled

SMALL = {"text_dim": 12, "image_dim": 10, "dim": 16}
POLARITIES = ("positive", "neutral", "negative")


class TestMPT(ModelCase):
    model = MPT
    variants: ClassVar = (
        {"dim": 16},
        {"dim": 16, "polarities": ["positive", "negative"]},
        {"dim": 16, "polarities": []},
    )


class TestPublishedMPT(ModelCase):
    model = MPT
    variants: ClassVar = ({"fidelity": "published"}, {"fidelity": "published", "polarities": []})

    def test_two_passes_agree(self, variant: Mapping[str, Any]) -> None:
        """They do not: the scorer of the fusion is new in every pass, and depends on the seed alone."""
        model = self.build(variant).eval()
        batch = random_batch(model)

        def scored(seed: int) -> Tensor:
            torch.manual_seed(seed)
            return model(batch).logits

        assert not torch.equal(model(batch).logits, model(batch).logits)
        assert torch.equal(scored(7), scored(7))

    def test_saved_and_loaded_is_the_same(
        self, variant: Mapping[str, Any], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fuse = RandomlyScoredFusion.forward

        def fuse_with_one_scorer(self: RandomlyScoredFusion, vectors: Tensor) -> Any:
            torch.manual_seed(7)
            return fuse(self, vectors)

        monkeypatch.setattr(RandomlyScoredFusion, "forward", fuse_with_one_scorer)
        super().test_saved_and_loaded_is_the_same(variant, tmp_path)


def without(batch: PairBatch, name: str) -> PairBatch:
    """The batch with nothing left of ``name``."""
    mask = f"{name}_mask"
    return replace(batch, features={**batch.features, mask: torch.zeros_like(batch[mask])}, _rows={})


def test_selective_kernels_are_two_filters_and_their_gates() -> None:
    torch.manual_seed(0)
    kernels = SelectiveKernels(nn.Identity)
    mask = torch.arange(6) < torch.tensor([[6], [3]])
    tokens = torch.randn(2, 6, 5) * mask.unsqueeze(-1)
    result = kernels(tokens, mask).detach().double().numpy()
    filters = [each[0].weight.detach().double().numpy()[0, 0] for each in kernels.filters]
    squeeze, select = (
        (layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy())
        for layer in (kernels.squeeze, kernels.select)
    )
    for pair in range(2):
        image = tokens[pair].double().numpy()
        filtered = np.zeros((2, *image.shape))
        for which, taps in enumerate(filters):
            half = len(taps) // 2
            for n, c in np.ndindex(*image.shape):
                for i, j in np.ndindex(*taps.shape):
                    row, column = n + i - half, c + j - half
                    if 0 <= row < len(image) and 0 <= column < image.shape[1]:
                        filtered[which, n, c] += taps[i, j] * image[row, column]
        real = filtered[:, mask[pair].numpy()]
        brightness = (real[0] + real[1]).mean()
        scores = select[0] @ (squeeze[0][:, 0] * brightness + squeeze[1]) + select[1]
        gates = np.exp(scores) / np.exp(scores).sum()
        np.testing.assert_allclose(result[pair], gates[0] * filtered[0] + gates[1] * filtered[1], atol=1e-5)


@torch.no_grad()
def test_fusion_is_the_sum_of_what_is_there_by_each_modalitys_own_score() -> None:
    torch.manual_seed(0)
    fusion = AttentionalFusion(3, 4, dropout=0.0)
    vectors, mask = torch.randn(2, 3, 4), torch.tensor([[True, True, True], [True, False, True]])
    fused, weights = fusion(vectors, mask)
    for pair in range(2):
        squashed = [torch.tanh(vectors[pair, m]) for m in range(3)]
        scores = [float(fusion.scorers[m](squashed[m])) for m in range(3)]
        there = [m for m in range(3) if mask[pair, m]]
        total = sum(np.exp(scores[m]) for m in there)
        expected = sum(np.exp(scores[m]) / total * squashed[m] for m in there)
        torch.testing.assert_close(fused[pair], expected, check_dtype=False)
    assert weights[1, 1] == 0


def test_published_fusion_is_a_mean_and_trains_no_scorer() -> None:
    fusion = RandomlyScoredFusion(dropout=0.0)
    vectors = torch.randn(5, 2, 4, requires_grad=True)
    fused, weights = fusion(vectors)
    squashed = torch.tanh(vectors)
    expected = (weights[:, :1] * squashed[:, 0] + weights[:, 1:] * squashed[:, 1]) / 2
    torch.testing.assert_close(fused, expected)
    assert list(fusion.parameters()) == []
    fused.sum().backward()
    assert vectors.grad is not None


def test_published_reads_the_last_position_and_the_mean_of_all() -> None:
    torch.manual_seed(0)
    model = MPT(**SMALL, fidelity="published").eval()
    batch = random_batch(model).unmasked()
    assert batch["text"].shape[1] == 318
    tokens = batch["text"][:, :, -1].float()
    filtered = model.kernels(tokens, batch["text_mask"])[:, -1]
    states = model.lstm(tokens)[0][:, -1]
    text = model.embed_text(torch.cat([filtered, states], dim=-1))
    both = torch.stack([text, model.read_image(batch, {})], dim=1)
    means = torch.stack([batch[f"rationale_{p}"][:, :, -1].float().mean(1) for p in POLARITIES])
    torch.manual_seed(3)
    fused = 0.5 * means.mean(0) + 0.5 * model.fuse_by_chance(both)[0]  # as initialised
    torch.manual_seed(3)
    output = model(batch)
    torch.testing.assert_close(output.fused, fused)  # what is contrasted, before the block
    torch.testing.assert_close(output.logits, model.classifier(model.block(fused)))


def test_published_takes_the_picture_as_it_is() -> None:
    torch.manual_seed(0)
    model = MPT(**SMALL, fidelity="published").train()
    batch = random_batch(model)
    twice = replace(batch, features={**batch.features, "image": 2 * batch["image"]}, _rows={})
    seen = model.read_image(batch, {})
    assert torch.equal(seen, model.read_image(batch, {}))  # nothing is dropped
    assert not torch.allclose(seen, model.read_image(twice, {}))  # nor standardised


def test_published_does_not_look_at_masks() -> None:
    model = MPT(**SMALL, fidelity="published").eval()
    batch = random_batch(model)

    def logits(batch: PairBatch) -> Tensor:
        torch.manual_seed(3)
        return model(batch).logits

    assert torch.equal(logits(batch), logits(without(batch, "text")))
    assert not torch.equal(logits(batch), logits(batch.padded(1)))


def test_the_lstm_stops_at_the_last_word() -> None:
    torch.manual_seed(0)
    model = MPT(**SMALL, polarities=()).eval()
    batch = random_batch(model)
    text = model.read_text(batch, {})
    for pair in range(len(batch)):
        count = int(batch["text_mask"][pair].sum())
        if not count:
            continue
        tokens = scaled(batch["text"][pair : pair + 1, :count, -1])
        real = torch.ones(1, count, dtype=torch.bool)
        words, _ = model.pool_words(model.kernels(tokens, real), real)
        alone = model.embed_text(torch.cat([words, model.lstm(tokens)[0][:, -1]], dim=-1))
        torch.testing.assert_close(text[pair : pair + 1], alone, rtol=1e-4, atol=1e-5)


def test_attention_leaves_out_what_is_not_there() -> None:
    model = MPT(**SMALL).eval()
    batch = other_numbers_behind_masks(without(random_batch(model), "rationale_neutral"))
    attention = model(batch).attention  # pair 1 has no text, pair 2 no picture, pair 3 neither
    assert {name: tuple(weights.shape) for name, weights in attention.items()} == {
        "words": tuple(batch["text_mask"].shape),
        "cells": (8, 9),
        "rationales": (8, 3),
        "modalities": (8, 3),
    }
    assert not attention["words"][~batch["text_mask"]].any()
    assert not attention["cells"][2].any()
    assert attention["rationales"][0].tolist() == pytest.approx([0.5, 0, 0.5])
    assert attention["modalities"].gt(0).int()[:4].tolist() == [[1, 1, 1], [0, 1, 0], [1, 0, 1], [0, 0, 0]]
    for name in ("words", "cells", "rationales", "modalities"):
        torch.testing.assert_close(attention[name][[0, 4, 5]].sum(1), torch.ones(3))


def test_a_post_without_rationales_is_judged_by_text_and_picture() -> None:
    model = MPT(**SMALL).eval()
    batch = random_batch(model)
    expected = model(batch).logits
    for polarity in POLARITIES:
        batch = without(batch, f"rationale_{polarity}")
    output = model(batch)
    assert not output.attention["modalities"][:, 2].any()
    assert output.logits.isfinite().all()
    assert not torch.equal(output.logits, expected)
