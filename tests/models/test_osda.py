"""OSDA: attentive pooling cell by cell."""

from __future__ import annotations

import torch

from sentipair.models import OSDA

from .cases import ModelCase, random_batch, scaled


class TestOSDA(ModelCase):
    model = OSDA


def test_cells_are_weighed_by_their_answers() -> None:
    torch.manual_seed(0)
    model = OSDA(classes=3, image_dim=10, hidden=6).eval()
    batch = random_batch(model)
    output = model(batch)
    key, question = model.question[0].weight, model.question[2].weight[0]
    for pair in range(len(batch)):
        pooled = torch.zeros(10)
        if batch["grid_mask"][pair].any():
            cells = scaled(batch["grid"][pair])
            answers = torch.stack([(question @ (key @ cell).tanh()).exp() for cell in cells])
            pooled = sum(answer / answers.sum() * cell for answer, cell in zip(answers, cells, strict=True))
            torch.testing.assert_close(output.attention["cells"][pair], answers / answers.sum())
        expected = torch.relu(model.objects[0].weight @ pooled + model.objects[0].bias)
        torch.testing.assert_close(output.image[pair], expected, rtol=1e-4, atol=1e-5)


def test_without_a_picture_there_is_no_attention() -> None:
    model = OSDA(classes=3, image_dim=10).eval()
    weights = model(random_batch(model)).attention["cells"]
    assert weights.sum(1).round(decimals=4).tolist() == [1, 1, 0, 0, 1, 1, 1, 1]
