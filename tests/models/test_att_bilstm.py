"""Att-BiLSTM: against PyTorch's LSTM and an attention written out."""

from __future__ import annotations

import torch

from sentipair.models import AttBiLSTM

from .cases import ModelCase, random_batch, scaled
from .reference import torch_lstm


class TestAttBiLSTM(ModelCase):
    model = AttBiLSTM
    variants = ({"lstm_dropout": 0.0, "input_dropout": 0.0},)


def test_text_is_the_attended_sum_of_both_directions() -> None:
    torch.manual_seed(0)
    model = AttBiLSTM(classes=3, text_dim=12, hidden=5).eval()
    batch = random_batch(model)
    output = model(batch)
    lstm = torch_lstm(model.bilstm)
    for pair in range(len(batch)):
        words = scaled(batch["text"][pair, :, -1][batch["text_mask"][pair]])
        expected = torch.zeros(5)
        if len(words):
            forwards, backwards = lstm(words)[0].chunk(2, dim=-1)
            states = forwards + backwards  # (N, h)
            scores = torch.stack([model.question.weight[0] @ state.tanh() for state in states])
            weights = scores.exp() / scores.exp().sum()
            expected = sum(weight * state for weight, state in zip(weights, states, strict=True)).tanh()
            torch.testing.assert_close(output.attention["words"][pair, : len(words)], weights)
        torch.testing.assert_close(output.text[pair], expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(output.logits[pair], model.classifier[1](expected), rtol=1e-4, atol=1e-5)
