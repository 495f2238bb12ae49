"""Models that say what each modality alone says: a pair that has only one is answered by that."""

from __future__ import annotations

import pytest
import torch

from sentipair.features import PairBatch
from sentipair.models import list_models
from sentipair.models.layers import answer

from .cases import random_batch, small_config, take


def outputs(name: str) -> tuple[PairBatch, object]:
    torch.manual_seed(0)
    model = small_config(name).build().eval()
    batch = random_batch(model)
    return batch, model(batch)


def test_these_models_say_it() -> None:
    said = {name for name in list_models() if outputs(name)[1].unimodal is not None}
    assert said == {"late-fusion", "cnn-multi", "dnn-lr", "qmf"}


@pytest.mark.parametrize("name", ["late-fusion", "cnn-multi", "dnn-lr", "qmf"])
def test_one_modality_is_answered_by_what_it_says_alone(name: str) -> None:
    batch, output = outputs(name)
    text, image = batch.has_text, batch.has_image
    for kind, only in (("text", text & ~image), ("image", image & ~text)):
        assert only.any()
        assert torch.equal(output.logits[only].argmax(-1), output.unimodal[kind][only].argmax(-1))


def test_answer_by_hand() -> None:
    text, image = torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False])
    features = {"text_mask": text.unsqueeze(1), "image_present": image}
    logits = torch.zeros(4, 3)
    unimodal = {"text": torch.ones(4, 3), "image": torch.full((4, 3), 2.0)}
    batch = PairBatch(ids=("",) * 4, labels=torch.zeros(4), features=features)
    assert answer(batch, logits, unimodal)[:, 0].tolist() == [0, 1, 2, 0]
    nothing = take(batch, [])
    assert answer(nothing, logits[:0], {k: v[:0] for k, v in unimodal.items()}).shape == (0, 3)
