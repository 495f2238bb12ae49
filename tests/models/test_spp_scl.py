"""SPP-SCL: the contract under all settings, and the published arithmetic against the specification in loops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from sentipair.errors import UserError
from sentipair.features import ImageGrid, TextLayers
from sentipair.models import SPPSCL
from sentipair.settings import validate_settings

from .cases import SIZES, ModelCase, random_batch, take, tensors
from .reference import PublishedSPPSCL, torch_lstm

PUBLISHED = {"fidelity": "published"}


class TestSPPSCL(ModelCase):
    model = SPPSCL
    variants = (
        {},
        {"modalities": "image"},
        {"modalities": "text"},
        {"fusion": False},
        {"hierarchical_attention": False},
        {"text_layers": 1},
        {"text_layers": 2},
        {"text_layers": 3},
        {"input_dropout": 0.3},
        PUBLISHED,
        {**PUBLISHED, "modalities": "image"},
        {**PUBLISHED, "modalities": "text"},
        {**PUBLISHED, "fusion": False, "hierarchical_attention": False},
    )


def build(**settings: Any) -> SPPSCL:
    torch.manual_seed(0)
    return SPPSCL(**{**SIZES, **settings})


@pytest.mark.parametrize(("fidelity", "passes"), [("published", 1), ("sound", 0)])
def test_embedding_counts_for_the_classifier_only_as_published(fidelity: Any, passes: int) -> None:
    model = build(fidelity=fidelity).train()
    seen: list[Any] = []
    model.classifier.register_forward_hook(lambda *_: seen.append(None))
    model.embed(random_batch(model))
    assert len(seen) == passes


@pytest.mark.parametrize("training", [True, False])
def test_published_is_what_the_specification_says(training: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentipair.models.layers.has_bf16_units", lambda: False)
    model = build(**PUBLISHED, dropout=0.0)
    for name, buffer in model.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
        elif name.endswith("running_mean"):
            buffer.normal_()
    batch = random_batch(model, pairs=5)
    reference = PublishedSPPSCL({k: v.clone() for k, v in model.state_dict().items()}, training=training)
    output = model.train(training)(batch)
    lstm = torch_lstm(model.bilstm).double()
    grid, text, cls = (batch[name].double().numpy() for name in ("grid", "text", "text_cls"))
    assert text.shape[1] == 200
    logits, t, i = reference.logits(grid, text, cls, lstm)
    for ours, theirs in ((output.text, t), (output.image, i), (output.logits, logits)):
        torch.testing.assert_close(ours.detach().double(), torch.from_numpy(theirs), rtol=1e-4, atol=1e-5)


def test_published_attention_is_over_the_batch_and_sound_over_the_pair() -> None:
    model = build(**PUBLISHED).eval()
    attention = model(random_batch(model)).attention
    assert attention["text"].shape == attention["image"].shape == (8, 8)
    assert attention["layers"].shape == (8, 4)
    model = build().eval()
    batch = random_batch(model)
    attention = model(batch).attention
    assert attention["text"].shape == (8, 11, 11)
    assert attention["image"].shape == (8, 9, 9)
    assert not attention["text"].transpose(1, 2)[~batch["text_mask"]].any()  # nobody looks at padding
    expected = batch["text_mask"].any(1, keepdim=True).expand(8, 11).float()
    torch.testing.assert_close(attention["text"].sum(-1), expected)


def test_published_predictions_depend_on_batch_mates_and_sound_ones_do_not() -> None:
    for settings, depends in ((PUBLISHED, True), ({}, False)):
        model = build(**settings).eval()
        batch = random_batch(model)
        usual = model(batch).logits[4:]
        among_others = model(take(batch, [4, 5, 6, 7])).logits
        assert ((usual - among_others).abs().max() > 1e-4) == depends


def test_published_embeddings_belong_to_the_pair_in_evaluation() -> None:
    model = build(**PUBLISHED).eval()
    batch = random_batch(model)
    whole, part = tensors(model(batch)), tensors(model(take(batch, [3, 0])))
    torch.testing.assert_close(part["text"], whole["text"][[3, 0]])
    torch.testing.assert_close(part["image"], whole["image"][[3, 0]])


def test_published_averages_padding_in() -> None:
    model = build(**PUBLISHED).eval()
    batch = random_batch(model)
    assert (model(batch).text - model(batch.padded(20)).text).abs().max() > 1e-4


@pytest.mark.parametrize(("fidelity", "per_pair"), [("sound", True), ("published", False)])
def test_sound_drops_the_same_of_all_tokens_and_cells_of_a_pair(fidelity: Any, per_pair: bool) -> None:
    model = build(fidelity=fidelity, input_dropout=0.5).train()
    batch = random_batch(model)
    seen: dict[str, Tensor] = {}
    for name in ("bilstm", "cells"):
        getattr(model, name).register_forward_hook(
            lambda _, inputs, __, name=name: seen.update({name: inputs[0] == 0})
        )
    model(batch)
    masks = batch if per_pair else batch.unmasked()
    for name, mask in (("bilstm", masks["text_mask"]), ("cells", masks["grid_mask"])):
        assert 0.3 < seen[name].float().mean() < 0.7
        pairs = [rows for rows in seen[name].split(mask.sum(1).tolist()) if len(rows) > 1]
        assert len(pairs) > 3
        for rows in pairs:
            assert torch.equal(rows, rows[:1].expand_as(rows)) == per_pair


@pytest.mark.parametrize(("fidelity", "standardised"), [("sound", True), ("published", False)])
def test_sound_does_not_see_how_bright_a_cell_or_how_long_a_state_is(
    fidelity: Any, standardised: bool
) -> None:
    model = build(fidelity=fidelity).eval()
    batch = random_batch(model)
    other = replace(
        batch,
        features={**batch.features, "text": batch["text"] * 3 + 1, "grid": batch["grid"] * 2 - 1},
        _rows={},
    )
    (before, after) = (tensors(model(each)) for each in (batch, other))
    for name in ("text", "image"):
        assert torch.allclose(after[name], before[name], atol=1e-2) == standardised


def test_embeddings_are_not_negative() -> None:
    for settings in ({}, PUBLISHED):
        model = build(**settings).eval()
        output = model(random_batch(model))
        assert output.text.shape == (8, 32)
        assert output.text.min() >= 0
        assert output.image.min() >= 0


def test_fused_ends_with_image_and_text() -> None:
    model = build().eval()
    output = model(random_batch(model))
    assert output.fused.shape == (8, 4 * 32)
    assert torch.equal(output.fused[:, 64:96], output.image)
    assert torch.equal(output.fused[:, 96:], output.text)


def test_a_pair_with_neither_is_what_is_left_without_tokens_and_cells() -> None:
    model = build().eval()
    output = model(random_batch(model))
    assert not output.fused[3, :64].any()
    torch.testing.assert_close(output.text[1], output.text[3])  # both without text
    torch.testing.assert_close(output.image[2], output.image[3])
    assert (output.text[0] - output.text[3]).abs().max() > 1e-3


def test_without_hierarchical_attention_layers_count_alike() -> None:
    model = build(hierarchical_attention=False, text_layers=3).eval()
    output = model(random_batch(model))
    torch.testing.assert_close(output.attention["layers"], torch.full((8, 3), 1 / 3))


def test_it_asks_for_what_it_reads() -> None:
    assert build().requires == [TextLayers(last=4), ImageGrid()]
    assert build(modalities="text", text_layers=2).requires == [TextLayers(last=2)]
    assert build(modalities="image").requires == [ImageGrid()]
    assert build(**PUBLISHED).requires == [TextLayers(last=4, pad_to=202), ImageGrid()]


def test_parts_that_are_dropped_have_no_parameters() -> None:
    def parts(**settings: Any) -> set[str]:
        return {name.split(".")[0] for name, _ in build(**settings).named_parameters()}

    assert parts(modalities="text") == {"layer_attention", "bilstm", "embed_text", "classifier"}
    assert parts(modalities="image") == {"cells", "embed_image", "classifier"}
    assert parts() - parts(fusion=False) == {
        "attend_text", "attend_image", "token_to_shared", "cell_to_shared"
    }  # fmt: skip
    assert parts(**PUBLISHED) == parts() - {"token_to_shared", "cell_to_shared"}
    assert parts() - parts(hierarchical_attention=False) == {"layer_attention"}


def test_size_at_the_papers_settings() -> None:
    count = sum(p.numel() for p in SPPSCL(fidelity="published").parameters())
    gates, lstm = 2 * 4 * 4, 2 * (768 * 256 + 64 * 256)
    convolution = 2048 * 128 + 128 + 2 * 128
    embedding = (128 * 32 + 32) + 2 * (32 * 32 + 32) + 3 * 2 * 32
    maps, classifier = 6 * (32 * 32 + 32), (128 * 64 + 64) + 2 * 64 + (64 * 3 + 3)
    assert count == gates + lstm + convolution + 2 * embedding + maps + classifier


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dropout": 1.0}, "model.dropout: .* less than 1"),
        ({"text_layers": 0}, "model.text_layers: .* greater than or equal to 1"),
        ({"modalities": "audio"}, "model.modalities: .*'both', 'text' or 'image'"),
        ({"hiden": 64}, "no setting 'model.hiden'; did you mean 'model.hidden'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        validate_settings(SPPSCL, settings, "model")
