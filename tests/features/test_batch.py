"""PairBatch against loops over pairs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sentipair.features import PairBatch
from sentipair.features.specs import pad

LENGTHS = ([3, 1, 0, 4], [2], [0, 0], [5, 5, 5])


def ragged(lengths: list[int]) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.normal(size=(n, 2, 3)).astype(np.float16) for n in lengths]


def batch_of(records: list[np.ndarray]) -> PairBatch:
    text, mask = pad(records, (2, 3))
    ids = tuple(str(i) for i in range(len(records)))
    features = {"text": text, "text_mask": mask, "text_cls": torch.zeros(len(records), 2, 3)}
    return PairBatch(ids=ids, labels=torch.arange(len(records)), features=features)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_pad_keeps_every_record_and_marks_the_rest(lengths: list[int]) -> None:
    records = ragged(lengths)
    values, mask = pad(records, (2, 3))
    assert values.shape == (len(lengths), max([1, *lengths]), 2, 3)
    assert values.dtype == torch.float16
    for i, record in enumerate(records):
        for n in range(values.shape[1]):
            assert bool(mask[i, n]) == (n < lengths[i])
            assert values[i, n].tolist() == (record[n].tolist() if n < lengths[i] else [[0.0] * 3] * 2)


def test_pad_to_a_given_length() -> None:
    values, mask = pad(ragged([2, 0]), (2, 3), length=7)
    assert values.shape == (2, 7, 2, 3)
    assert mask.sum(dim=1).tolist() == [2, 0]


@pytest.mark.parametrize("lengths", LENGTHS)
def test_rows_are_the_records_one_after_the_other(lengths: list[int]) -> None:
    records = ragged(lengths)
    batch = batch_of(records)
    rows = batch.rows("text")
    assert rows.dtype == torch.float32
    np.testing.assert_array_equal(rows.numpy(), np.concatenate(records).astype(np.float32))
    assert batch.rows("text") is rows
    narrow = batch.rows("text", torch.bfloat16)
    assert torch.equal(narrow, rows.bfloat16())
    assert batch.rows("text", torch.bfloat16) is narrow


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rows_can_be_standardised(dtype: torch.dtype) -> None:
    batch = batch_of(ragged([3, 0, 5]))
    states = batch.rows("text").numpy().astype(np.float64)  # (T, L, d)
    centred = states - states.mean(-1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    found = batch.rows("text", dtype, standardised=True)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.float().numpy(), expected, atol=1e-4 if dtype == torch.float32 else 1e-2)
    assert batch.rows("text", dtype, standardised=True) is found
    np.testing.assert_array_equal(batch.rows("text").numpy(), states.astype(np.float32))


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("extra", [0, 3])
def test_padded_has_longer_texts_and_the_same_rows(lengths: list[int], extra: int) -> None:
    batch = batch_of(ragged(lengths))
    before = batch.rows("text")
    longer = batch.padded(extra)
    width = batch["text"].shape[1]
    assert longer["text"].shape[1] == longer["text_mask"].shape[1] == width + extra
    assert torch.equal(longer["text"][:, :width], batch["text"])
    assert not longer["text_mask"][:, width:].any()
    for n in range(width, width + extra):
        assert torch.equal(longer["text"][:, n], batch["text"][:, -1])
    assert torch.equal(longer.rows("text"), before)


def test_unmasked_counts_the_padding_as_real() -> None:
    batch = batch_of(ragged([3, 1, 0]))
    batch.rows("text")
    whole = batch.unmasked()
    assert whole["text_mask"].all()
    assert whole["text_mask"].dtype == torch.bool
    assert whole.rows("text").shape == (9, 2, 3)
    assert torch.equal(whole["text"], batch["text"])
    assert not batch["text_mask"].all()


def test_a_batch_without_texts_is_not_padded() -> None:
    batch = PairBatch(ids=("a",), labels=torch.zeros(1), features={"grid": torch.zeros(1, 4, 2)})
    assert batch.padded(5) == batch


def test_rationales_are_padded_as_texts_are() -> None:
    text, other = batch_of(ragged([2, 3])), batch_of(ragged([1, 4]))
    named = {name.replace("text", "rationale_positive"): value for name, value in other.features.items()}
    batch = PairBatch(ids=text.ids, labels=text.labels, features={**text.features, **named})
    longer = batch.padded(2)
    assert longer["rationale_positive"].shape[1] == longer["rationale_positive_mask"].shape[1] == 6
    assert torch.equal(longer.rows("rationale_positive"), batch.rows("rationale_positive"))
    assert longer["text"].shape[1] == 5
