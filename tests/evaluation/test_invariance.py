"""The flip rates are 0 for a sound model and find the ones that depend on their neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sentipair.evaluation import invariance
from sentipair.evaluation.invariance import answers_by_condition, batch_warning, flip_rates, largest_batch
from sentipair.evaluation.predict import BATCH_SIZE, predict
from sentipair.features import PairBatch
from sentipair.models import PairOutput

PAIRS = 128
BATCHING = ["batch size 1", "batch size 16", f"batch size {PAIRS}"]
CONDITIONS = [*BATCHING, "label-sorted", "shuffled", "padding +50"]


class Rule(nn.Module):
    """Classifies by whether a number per pair is positive."""

    expansion = 1

    def __init__(self, number: Any) -> None:
        super().__init__()
        self.number = number

    def forward(self, batch: PairBatch) -> PairOutput:
        number = self.number(batch)
        return PairOutput(logits=torch.stack([number, -number], dim=1))


def rates_of(model: Any, table: Any) -> dict[str, float]:
    usual = predict(model, table).logits.argmax(-1).numpy()
    return flip_rates(usual, answers_by_condition(model, table))


def test_a_sound_model_never_flips(random_table: Any, small_model: Any) -> None:
    rates = rates_of(small_model(), random_table(PAIRS))
    assert list(rates) == CONDITIONS
    assert set(rates.values()) == {0.0}
    assert batch_warning(rates) is None


def test_a_published_model_may(random_table: Any, small_model: Any) -> None:
    model = small_model(fidelity="published")
    for parameter in model.parameters():
        parameter.data *= 4
    rates = rates_of(model, random_table(PAIRS))
    assert max(rates.values()) > 0
    assert all(0 <= rate <= 1 for rate in rates.values())


def relative(batch: PairBatch) -> torch.Tensor:
    """Larger than the mean of the batch."""
    sums = batch["grid"].float().sum((1, 2))
    return sums - sums.mean()


@pytest.mark.parametrize(
    ("number", "flipping"),
    [
        (lambda batch: batch["grid"].float().sum((1, 2)), []),
        (relative, CONDITIONS[:5]),
        # the place in the batch
        (
            lambda batch: 0.5 - (torch.arange(len(batch)) % 4 < 2).float(),
            ["batch size 1", "label-sorted", "shuffled"],
        ),
        # the size of the batch
        (lambda batch: torch.full((len(batch),), len(batch) - 20.0), ["batch size 1", "batch size 16"]),
        # whether the batch holds more than one class
        (
            lambda batch: torch.full((len(batch),), len(batch.labels.unique()) - 2.5),
            [BATCHING[0], "label-sorted"],
        ),
        # the length of the padded text
        (lambda batch: torch.full((len(batch),), 20.0 - batch["text"].shape[1]), ["padding +50"]),
    ],
)
def test_what_makes_predictions_flip_is_found(random_table: Any, number: Any, flipping: list[str]) -> None:
    rates = rates_of(Rule(number), random_table(PAIRS))
    assert [name for name, rate in rates.items() if rate > 0] == flipping


def test_a_flip_rate_is_the_share_of_changed_predictions(random_table: Any) -> None:
    table = random_table(20)
    marked = {table.pairs[i].id for i in range(5)}

    def number(batch: PairBatch) -> torch.Tensor:
        alone = len(batch) == 1
        return torch.tensor([-1.0 if alone and i in marked else 1.0 for i in batch.ids])

    assert rates_of(Rule(number), table)["batch size 1"] == 0.25


def test_of_several_orders_the_worst_counts() -> None:
    usual = np.array([0, 1, 1, 0])
    found = {"shuffled": [usual, np.array([1, 1, 1, 0]), np.array([1, 0, 1, 0])], "padding": [usual]}
    assert flip_rates(usual, found) == {"shuffled": 0.5, "padding": 0.0}


def test_three_different_orders_are_tried_and_answers_stay_with_their_pairs(random_table: Any) -> None:
    table, visited = random_table(100), []

    def number(batch: PairBatch) -> torch.Tensor:
        visited.append(batch.ids)
        return torch.tensor([int(i) % 2 - 0.5 for i in batch.ids])

    model: Any = Rule(number)
    answers = answers_by_condition(model, table)
    assert [len(found) for found in answers.values()] == [1, 1, 1, 1, 3, 1]
    for found in answers.values():
        for each in found:
            assert each.tolist() == [1, 0] * 50
    whole = [ids for ids in visited if len(ids) == 64]
    assert len(set(whole)) == 5  # by label, three shuffles, and the order of the table for padding


def test_the_warning_names_the_largest_share() -> None:
    line = batch_warning({"batch size 1": 0.021, "shuffled": 0.1466})
    assert line is not None
    assert line.startswith("up to 14.7 % of the predictions depend on the batch or its padding")
    assert "batches of 64 in the order of the file" in line
    assert batch_warning({}) is None


def test_padding_leaves_the_pairs_alone(random_table: Any) -> None:
    batch = random_table(3).batch([0, 1, 2])
    padded = batch.padded(50)
    assert padded["text"].shape[1] == batch["text"].shape[1] + 50
    assert torch.equal(padded["text_mask"].sum(1), batch["text_mask"].sum(1))
    assert replace(padded).ids == batch.ids


def test_the_largest_batch_is_all_pairs_or_what_fits(
    random_table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    table: Any = random_table(100)
    head: Any = Rule(None)
    assert largest_batch(head, table) == 100
    bytes_of_a_pair = sum(value.nbytes for value in table.batch(range(64)).features.values()) / 64
    monkeypatch.setattr(invariance, "LARGEST", 80.5 * bytes_of_a_pair)
    assert largest_batch(head, table) == 80
    monkeypatch.setattr(head, "expansion", 1.15)
    assert largest_batch(head, table) == 70
    monkeypatch.setattr(invariance, "LARGEST", 0)
    assert largest_batch(head, table) == BATCH_SIZE
    assert largest_batch(head, random_table(5)) == 5


def test_without_features_all_pairs_fit(random_table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    table: Any = random_table(100)
    head: Any = Rule(None)
    usual = table.batch
    monkeypatch.setattr(table, "batch", lambda rows: replace(usual(rows), features={}))
    assert largest_batch(head, table) == 100
