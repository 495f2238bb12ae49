"""Which posts are looked at, and what is written of their weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sentipair.evaluation.attention import WRONG, attended, record_attention, telling_posts
from sentipair.features import FeatureSpec, PairBatch
from sentipair.models import PairModel, PairOutput


class Looks(PairModel):
    """Gives fixed weights: row i of every matrix belongs to post i."""

    def __init__(self, **attention: Tensor) -> None:
        super().__init__()
        self.attention = attention

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        return []

    def forward(self, batch: PairBatch) -> PairOutput:
        rows = [int(post) for post in batch.ids]
        chosen = {name: value[rows] for name, value in self.attention.items()}
        assert not self.training
        return PairOutput(logits=torch.zeros(len(batch), 3), attention=chosen)


def places(index: int) -> dict[str, Any]:
    """Two words; every other post has a picture of two regions."""
    regions = {"regions": [(0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)]} if index % 2 == 0 else {}
    return {"words": [(0, 4), (5, 6)], **regions}


def test_the_most_confident_errors_and_the_surest_of_each_class() -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet([1, 1, 1], size=60).astype(np.float32)
    targets = generator.integers(-1, 3, 60)
    chosen = telling_posts(targets, probabilities)
    said, sure = probabilities.argmax(1), probabilities.max(1)
    wrong = [i for i in range(60) if targets[i] >= 0 and said[i] != targets[i]]
    best = {
        max((i for i in range(60) if targets[i] == said[i] == label), key=lambda i: sure[i])
        for label in range(3)
    }
    assert chosen[:WRONG] == sorted(wrong, key=lambda i: -sure[i])[:WRONG]
    assert set(chosen[WRONG:]) == best
    assert sorted(chosen[WRONG:], key=lambda i: -sure[i]) == chosen[WRONG:]


def test_posts_without_a_label_tell_nothing() -> None:
    assert telling_posts(np.array([-1, -1]), np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)) == []


def test_weights_stand_beside_their_places(random_table: Callable[..., Any]) -> None:
    table = random_table(4)
    table.locate = places
    weights = torch.rand(4, 9)  # another post of the batch has nine regions
    model = Looks(
        words=torch.rand(4, 5),  # the rest is padding
        regions=weights,
        gates=torch.rand(4, 9),
        modalities=torch.rand(4, 3),
        channels=torch.rand(4, 100),
        square=torch.rand(4, 5, 5),
    ).train()
    first, second = attended(model, table, [2, 1])
    assert model.training
    assert first["id"] == "2"
    assert [row[:2] for row in first["words"]] == [[0, 4], [5, 6]]
    assert [row[2] for row in first["words"]] == pytest.approx(model.attention["words"][2, :2].tolist())
    assert first["regions"][1] == [0.5, 0.0, 1.0, 1.0, pytest.approx(float(weights[2, 1]))]
    assert first["weights"].keys() == {"gates", "modalities"}
    assert second["regions"] == []


def test_a_model_that_looks_at_no_place_leaves_no_file(
    random_table: Callable[..., Any], small_model: Callable[..., Any], tmp_path: Path
) -> None:
    probabilities = np.full((6, 3), 1 / 3, np.float32)
    record_attention(tmp_path / "a.json", small_model(), random_table(6), probabilities=probabilities)
    assert list(tmp_path.iterdir()) == []
    table = random_table(6)
    table.locate = places
    record_attention(tmp_path / "a.json", Looks(words=torch.rand(6, 2)), table, probabilities=probabilities)
    posts = json.loads((tmp_path / "a.json").read_text())["posts"]
    assert {post["id"] for post in posts} <= {pair.id for pair in table.pairs}
