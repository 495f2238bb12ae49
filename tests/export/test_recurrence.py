"""The recurrence for exported graphs against the one that models are trained with."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sentipair.export.recurrence import PaddedBiLSTM, with_padded_recurrence
from sentipair.models.recurrence import BiLSTM


@pytest.mark.parametrize("lengths", [[3, 1, 5], [2], [0, 4], [5, 5]])
def test_states_of_real_tokens_are_the_same(lengths: list[int]) -> None:
    torch.manual_seed(0)
    trained = BiLSTM(6, 4).eval()  # in training its products are in bf16
    counts = torch.tensor(lengths)
    mask = torch.arange(6) < counts.unsqueeze(1)
    tokens = torch.randn(len(lengths), 6, 6)
    expected = trained(tokens[mask], counts)
    found = PaddedBiLSTM(trained)(tokens.flatten(0, 1), counts).unflatten(0, mask.shape)[mask]
    torch.testing.assert_close(found, expected)


def test_recurrences_are_replaced_wherever_they_stand_and_only_in_the_copy() -> None:
    network = nn.Sequential(
        BiLSTM(6, 4), nn.ModuleDict({"deep": nn.Sequential(nn.Linear(2, 2), BiLSTM(6, 4))})
    )
    copied = with_padded_recurrence(network)
    assert not any(isinstance(module, BiLSTM) for module in copied.modules())
    assert sum(isinstance(module, PaddedBiLSTM) for module in copied.modules()) == 2
    assert sum(isinstance(module, BiLSTM) for module in network.modules()) == 2
