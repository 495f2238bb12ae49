"""The flip rates are 0 for a sound model and find the ones that depend on their neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from sentipair.evaluation.invariance import flip_rates
from sentipair.features import PairBatch
from sentipair.models import PairOutput

CONDITIONS = ["batch size 1", "batch size 256", "shuffled", "padding +50"]


class Rule(nn.Module):
    """Classifies by whether a number per pair is positive."""

    def __init__(self, number: Any) -> None:
        super().__init__()
        self.number = number

    def forward(self, batch: PairBatch) -> PairOutput:
        number = self.number(batch)
        return PairOutput(logits=torch.stack([number, -number], dim=1))


def test_a_sound_model_never_flips(random_table: Any, small_model: Any) -> None:
    rates = flip_rates(small_model(), random_table(70))
    assert list(rates) == CONDITIONS
    assert set(rates.values()) == {0.0}


def test_a_published_model_may(random_table: Any, small_model: Any) -> None:
    rates = flip_rates(small_model(fidelity="published"), random_table(70))
    assert all(0 <= rate <= 1 for rate in rates.values())


@pytest.mark.parametrize(
    ("number", "flipping"),
    [
        (lambda batch: batch["grid"].float().sum((1, 2)), []),
        # larger than the mean of the batch
        (
            lambda batch: batch["grid"].float().sum((1, 2)) - batch["grid"].float().sum((1, 2)).mean(),
            CONDITIONS[:3],
        ),
        # the place in the batch
        (lambda batch: torch.arange(len(batch)) % 2 - 0.5, ["batch size 1", "shuffled"]),
        # the length of the padded text
        (lambda batch: torch.full((len(batch),), 20.0 - batch["text"].shape[1]), ["padding +50"]),
    ],
)
def test_what_makes_predictions_flip_is_found(random_table: Any, number: Any, flipping: list[str]) -> None:
    rates = flip_rates(Rule(number), random_table(100))  # type: ignore[arg-type]
    assert [name for name, rate in rates.items() if rate > 0] == flipping


def test_a_flip_rate_is_the_share_of_changed_predictions(random_table: Any) -> None:
    table = random_table(20)
    marked = {table.pairs[i].id for i in range(5)}

    def number(batch: PairBatch) -> torch.Tensor:
        alone = len(batch) == 1
        return torch.tensor([-1.0 if alone and i in marked else 1.0 for i in batch.ids])

    assert flip_rates(Rule(number), table)["batch size 1"] == 0.25  # type: ignore[arg-type]


def test_padding_leaves_the_pairs_alone(random_table: Any) -> None:
    batch = random_table(3).batch([0, 1, 2])
    padded = batch.padded(50)
    assert padded["text"].shape[1] == batch["text"].shape[1] + 50
    assert torch.equal(padded["text_mask"].sum(1), batch["text_mask"].sum(1))
    assert replace(padded).ids == batch.ids
