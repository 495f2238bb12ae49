"""FeatureTable: every state of a pair, against records computed by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sentipair.data import Pair
from sentipair.errors import UserError
from sentipair.features import FeatureStore, FeatureTable, ImageGrid, ImageVector, TextLayers

CLASSES = ("bad", "good")
SPECS = (TextLayers(last=2, max_length=8), ImageGrid(), ImageVector())


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    for name in ("red", "blue"):
        Image.new("RGB", (20, 30), name).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    red, blue, broken = tmp_path / "red.png", tmp_path / "blue.png", tmp_path / "broken.jpg"
    return [
        Pair(id="whole", text="one three", image=red, label="good"),
        Pair(id="no text", text="", image=blue, label="bad"),
        Pair(id="no picture", text="a bb ccc", label="good"),
        Pair(id="broken", text="one three", image=broken),
        Pair(id="gone", text="", image=tmp_path / "gone.jpg", label="bad"),
        Pair(id="long", text="a " * 50, image=red, label="bad"),
        Pair(id="just fits", text="a b c d e f", image=red, label="bad"),
        Pair(id="broken too", text="x", image=broken, label="bad"),
    ]


def table(pairs: list[Pair], encoders: Any, root: Path, specs: Any = SPECS) -> FeatureTable:
    return FeatureTable(
        pairs, classes=CLASSES, specs=specs, encoders=encoders, store=FeatureStore(root / "store")
    )


def word_lengths(pair: Pair) -> list[int]:
    return [len(word) for word in pair.text.split()][:6]


def test_texts(pairs: list[Pair], encoders: Any, tmp_path: Path) -> None:
    order = [6, 0, 1, 5, 2, 0]
    batch = table(pairs, encoders, tmp_path).batch(order)
    assert batch.ids == ("just fits", "whole", "no text", "long", "no picture", "whole")
    assert batch["text"].shape == (6, 6, 2, 6)
    assert batch["text"].dtype == torch.float16
    for row, i in enumerate(order):
        lengths = word_lengths(pairs[i])
        assert batch["text_mask"][row].tolist() == [n < len(lengths) for n in range(6)]
        for n, length in enumerate(lengths):
            assert batch["text"][row, n].tolist() == [[length] * 6, [10 + length] * 6]
        assert batch["text_cls"][row].tolist() == [[0.0] * 6, [10.0] * 6]


def test_pictures(pairs: list[Pair], encoders: Any, tmp_path: Path) -> None:
    batch = table(pairs, encoders, tmp_path).batch(range(8))
    red, blue, none = [255.0, 0, 0] * 2, [0.0, 0, 255] * 2, [0.0] * 6
    expected = [red, blue, none, none, none, red, red, none]
    present = [colour is not none for colour in expected]
    assert batch["grid"].shape == (8, 4, 6)
    for row, colour in enumerate(expected):
        assert batch["grid"][row].tolist() == [colour] * 4
        assert batch["image"][row].tolist() == colour
    assert batch["image_present"].tolist() == present
    assert batch["grid_mask"].tolist() == [[each] * 4 for each in present]


def test_a_vits_class_vector_is_the_picture_and_not_a_cell(
    pairs: list[Pair], vit_encoders: Any, tmp_path: Path
) -> None:
    batch = table(pairs, vit_encoders, tmp_path).batch([0, 2])
    assert batch["grid"][0].tolist() == [[255, 0, 0, 255, 0, 0]] * 4
    assert batch["image"].tolist() == [[-1.0] * 6, [0.0] * 6]


def test_the_labels_that_text_and_picture_have_by_themselves(
    pairs: list[Pair], encoders: Any, tmp_path: Path
) -> None:
    pairs[0] = replace(pairs[0], text_label="bad", image_label="good")
    pairs[1] = replace(pairs[1], image_label="bad")
    features = table(pairs, encoders, tmp_path)
    batch = features.batch([1, 0, 2])
    assert batch.unimodal_labels["text"].tolist() == [-1, 0, -1]
    assert batch.unimodal_labels["image"].tolist() == [0, 1, -1]
    # one that is none of the classes of the pairs is of no use to a model
    pairs[2] = replace(pairs[2], text_label="neutral")
    batch = table(pairs, encoders, tmp_path).batch([1, 0, 2])
    assert batch.unimodal_labels["text"].tolist() == [-1, 0, -1]
    assert batch.unimodal_labels["image"].tolist() == [0, 1, -1]


def test_labels_and_batches(pairs: list[Pair], encoders: Any, tmp_path: Path) -> None:
    features = table(pairs, encoders, tmp_path)
    assert features.labels.tolist() == [1, 0, 1, -1, 0, 0, 0, 0]
    assert [batch.ids for batch in features.batches(3, order=[7, 6, 0, 1])] == [
        ("broken too", "just fits", "whole"),
        ("no text",),
    ]
    assert [len(batch) for batch in features.batches(3)] == [3, 3, 2]
    for i in range(8):
        (alone,) = features.batch([i]).ids
        assert alone == pairs[i].id


def test_the_company_in_a_batch_does_not_change_the_rows(
    pairs: list[Pair], encoders: Any, tmp_path: Path
) -> None:
    features = table(pairs, encoders, tmp_path)
    together = features.batch(range(8))
    for name in ("text", "grid"):
        alone = torch.cat([features.batch([i]).rows(name) for i in range(8)])
        assert torch.equal(together.rows(name), alone)


def test_equal_inputs_are_encoded_once(pairs: list[Pair], encoders: Any, tmp_path: Path) -> None:
    table(pairs, encoders, tmp_path)
    assert encoders.image_encoder.encoded == 2
    (texts,) = encoders.texts.values()
    assert sorted(texts.encoded) == sorted({pair.text for pair in pairs})


@pytest.mark.parametrize("visit", ["cold", "warm"])
def test_what_a_person_must_be_told(pairs: list[Pair], encoders: Any, tmp_path: Path, visit: str) -> None:
    """On a warm store the same as after extraction."""
    if visit == "warm":
        table(pairs, encoders, tmp_path)
        encoders.image_encoder.encode = encoders.text_encoder(last=2, max_length=8, pad_to=None).encode = None
    features = table(pairs, encoders, tmp_path)
    assert features.unusable == {
        "broken": "not a picture",
        "gone": "no such file",
        "broken too": "not a picture",
    }
    assert features.truncated == {"long": "52 tokens, the first 8 are used"}


@pytest.mark.parametrize("happens", ["changes", "goes away"])
def test_a_picture_that_changes_while_features_are_made_leaves_none(
    pairs: list[Pair], encoders: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happens: str
) -> None:
    red, kept = tmp_path / "red.png", (tmp_path / "red.png").read_bytes()
    encode = type(encoders.image_encoder).encode

    def change_and_encode(self: Any, pictures: Any) -> Any:
        red.unlink()
        if happens == "changes":
            Image.new("RGB", (20, 30), "green").save(red)
        return encode(self, pictures)

    with monkeypatch.context() as patch:
        patch.setattr(type(encoders.image_encoder), "encode", change_and_encode)
        with pytest.raises(UserError, match=r"the image of post .* changed or went away while features were"):
            table(pairs, encoders, tmp_path)
    red.write_bytes(kept)
    again, fresh = table(pairs, encoders, tmp_path), table(pairs, encoders, tmp_path / "fresh")
    assert again.unusable == fresh.unusable
    assert torch.equal(again.batch([0])["grid"], fresh.batch([0])["grid"])


def test_a_long_rationale_is_no_remark_on_the_text_or_the_picture(encoders: Any, tmp_path: Path) -> None:
    pair = Pair(id="a", text="x", attributes=("a",) * 50, rationales={"good": "a " * 50})
    specs = [TextLayers(last=1, max_length=8, of=of) for of in ("text", "attributes", "rationale_good")]
    found = table([pair], encoders, tmp_path, specs)
    assert (found.unusable, found.truncated) == ({}, {})


def test_padding_is_part_of_the_text_where_the_spec_says_so(
    pairs: list[Pair], encoders: Any, tmp_path: Path
) -> None:
    features = table(pairs, encoders, tmp_path, (TextLayers(last=1, pad_to=12),))
    batch = features.batch([0, 1])
    assert batch["text"][:, :, 0, 0].tolist() == [[3, 5, 0] + [99] * 7, [0] + [99] * 9]
    assert batch["text_mask"].all()
    assert features.truncated == {"long": "52 tokens, the first 12 are used"}


def test_no_pair_has_a_picture(encoders: Any, tmp_path: Path) -> None:
    batch = table([Pair(id="a", text="x"), Pair(id="b")], encoders, tmp_path).batch([0, 1])
    assert not batch["grid_mask"].any()
    assert not batch["image_present"].any()
    assert batch["grid"].shape == (2, 4, 6)


def test_half_precision_means_are_taken_in_single(encoders: Any, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    picture = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "noise.png")
    batch = table([Pair(id="a", image=tmp_path / "noise.png")], encoders, tmp_path).batch([0])
    assert batch["image"].dtype == torch.float32
    torch.testing.assert_close(batch["image"][0], batch["grid"][0].float().mean(dim=0))


def test_without_pictures_everyone_is_as_one_who_never_had_one(
    pairs: list[Pair], encoders: Any, tmp_path: Path
) -> None:
    features = table(pairs, encoders, tmp_path)
    encoders.image_encoder.encode = None
    withheld = features.without("image")
    bare = table([Pair(id=pair.id, text=pair.text) for pair in pairs], encoders, tmp_path)
    assert_same(withheld.batch(range(8)), bare.batch(range(8)))
    assert all(pair.image is None for pair in withheld.pairs)
    assert withheld.unusable == {}
    assert features.batch([0])["image_present"].item()  # the table itself is as it was
    assert len(features.unusable) == 3


def test_without_texts_everyone_has_the_empty_one(encoders: Any, tmp_path: Path) -> None:
    pairs = [Pair(id="a", text="one three"), Pair(id="b", text="b " * 50)]
    specs = (TextLayers(last=2, max_length=8), TextLayers(last=1, pad_to=12))
    for spec in specs:
        features = table(pairs, encoders, tmp_path, (spec,))
        withheld = features.without("text")
        bare = table([Pair(id=pair.id) for pair in pairs], encoders, tmp_path, (spec,))
        assert_same(withheld.batch([0, 1]), bare.batch([0, 1]))
        assert [pair.text for pair in withheld.pairs] == ["", ""]
        assert withheld.truncated == {}
        assert features.truncated.keys() == {"b"}
    assert [texts.encoded.count("") for texts in encoders.texts.values()] == [1, 1]  # once, and kept


def test_rationales_and_attributes_are_texts_of_their_own(encoders: Any, tmp_path: Path) -> None:
    pairs = [
        Pair(id="a", text="one three", rationales={"positive": "one three"}, attributes=("cat", "on", "mat")),
        Pair(id="b", text="x", rationales={"negative": "a b"}),
    ]
    names = ("text", "rationale_positive", "rationale_negative", "attributes")
    specs = tuple(TextLayers(last=1, max_length=8, of=name) for name in names)
    features = table(pairs, encoders, tmp_path, specs)
    batch = features.batch([0, 1])
    lengths = {name: batch[f"{name}_mask"].sum(1).tolist() for name in names}
    assert lengths == {
        "text": [2, 1],
        "rationale_positive": [2, 0],
        "rationale_negative": [0, 2],
        "attributes": [3, 0],
    }
    assert torch.equal(batch["text"][0], batch["rationale_positive"][0])
    (texts,) = encoders.texts.values()
    assert sorted(texts.encoded) == ["a b", "cat on mat", "one three", "x"]  # the same text is encoded once
    withheld = features.without("text").batch([0, 1])
    assert not any(withheld[f"{name}_mask"].any() for name in names[:3])
    assert torch.equal(withheld["attributes"], batch["attributes"])
    assert not features.without("image").batch([0, 1])["attributes_mask"].any()


def assert_same(found: Any, expected: Any) -> None:
    assert found.ids == expected.ids
    assert found.features.keys() == expected.features.keys()
    for name, value in expected.features.items():
        assert torch.equal(found[name], value), name
