"""Outputs come in the order of the table, whatever the batches."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sentipair.evaluation.predict import predict


def test_batches_and_order_do_not_matter(random_table: Any, small_model: Any) -> None:
    table, model = random_table(23), small_model().eval()
    with torch.inference_mode():
        expected = torch.cat([model(table.batch([i])).logits for i in range(23)])
    order = torch.randperm(23).tolist()
    for outputs in (
        predict(model, table),
        predict(model, table, batch_size=1),
        predict(model, table, batch_size=5, order=order),
        predict(model, table, change=lambda batch: batch.padded(7)),
    ):
        assert torch.allclose(outputs.logits, expected, atol=1e-5)


def test_every_output_is_put_back_in_order(random_table: Any, small_model: Any) -> None:
    table, model = random_table(9), small_model()
    usual = predict(model, table).embeddings()
    shuffled = predict(model, table, order=list(range(8, -1, -1))).embeddings()
    assert set(usual) == {"image", "text", "fused"}
    for name, value in usual.items():
        assert torch.allclose(value, shuffled[name], atol=1e-5), name


def test_what_a_model_does_not_have_is_none(random_table: Any, small_model: Any) -> None:
    outputs = predict(small_model(modalities="text"), random_table(4))
    assert outputs.image is None
    assert "image" not in outputs.embeddings()


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_restored_and_dropout_is_off(random_table: Any, small_model: Any, training: bool) -> None:
    model = small_model(dropout=0.5).train(training)
    first, second = (predict(model, random_table(6)).logits for _ in range(2))
    assert torch.equal(first, second)
    assert model.training is training
    assert not first.requires_grad
