"""CLIP's encoders against the network run by itself, one unpadded text or picture at a time."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import AutoTokenizer, CLIPModel

from sentipair.data import Pair
from sentipair.encoders import CLIPImageEncoder, CLIPTextEncoder, Encoders, choose_engine
from sentipair.encoders.engines import EngineChoice
from sentipair.errors import UserError
from sentipair.features import CLIPImage, CLIPText, FeatureStore, FeatureTable

TORCH = EngineChoice("torch", "f32")
TEXTS = ["a quiet day by the sea", "", "love!", "rain again . " * 8, "the sea the sea", "Unheard of"]


def unit(vector: torch.Tensor) -> np.ndarray:
    return (vector / vector.norm(dim=-1, keepdim=True)).double().numpy()


def text_oracle(folder: Path, text: str) -> np.ndarray:
    inputs = AutoTokenizer.from_pretrained(folder)(text, truncation=True, max_length=12, return_tensors="pt")
    with torch.no_grad():
        output = CLIPModel.from_pretrained(folder).eval().get_text_features(**inputs)
    return unit(output.pooler_output[0])


def image_oracle(folder: Path, picture: NDArray[np.uint8]) -> np.ndarray:
    """The picture and its patches [1 + R, d]."""
    pixels = torch.from_numpy((picture / 255 - 0.48) / 0.27).permute(2, 0, 1).float()[None]
    network = CLIPModel.from_pretrained(folder).eval()
    with torch.no_grad():
        output = network.get_image_features(pixel_values=pixels)
        patches = [
            network.visual_projection(network.vision_model.post_layernorm(state))
            for state in output.last_hidden_state[0, 1:]
        ]
    return unit(torch.stack([output.pooler_output[0], *patches]))


def pictures(count: int) -> list[NDArray[np.uint8]]:
    return list(np.random.default_rng(0).integers(0, 256, (count, 24, 24, 3), dtype=np.uint8))


def test_texts_are_the_networks_own_embeddings(clip: Path) -> None:
    encoder = CLIPTextEncoder(clip, engine=TORCH)
    assert (encoder.dim, encoder.max_length) == (10, 12)
    for text, record in zip(TEXTS, encoder.encode(TEXTS), strict=True):
        assert record.dtype == np.float16
        assert record.shape == (1, 10)
        np.testing.assert_allclose(record[0], text_oracle(clip, text), atol=1e-3)


def test_pictures_are_the_networks_own_embeddings(clip: Path) -> None:
    whole = CLIPImageEncoder(clip, patches=True, engine=TORCH)
    first = CLIPImageEncoder(clip, patches=False, engine=TORCH)
    assert (whole.shape, first.shape, whole.dim) == ((10, 10), (1, 10), 10)
    assert (whole.preprocessing.shorter_side, whole.preprocessing.crop) == (24, 24)
    inputs = pictures(5)
    for picture, with_patches, alone in zip(inputs, whole.encode(inputs), first.encode(inputs), strict=True):
        expected = image_oracle(clip, picture)
        np.testing.assert_allclose(with_patches, expected, atol=1e-3)
        np.testing.assert_allclose(alone, expected[:1], atol=1e-3)


def test_openvino_agrees_with_torch(clip: Path) -> None:
    pytest.importorskip("openvino", reason='pip install "sentipair[cpu]"')
    for choice in {choose_engine("openvino"), EngineChoice("openvino", "f32")}:
        for plain, fast, inputs in (
            (CLIPTextEncoder(clip, engine=TORCH), CLIPTextEncoder(clip, engine=choice), TEXTS),
            (
                CLIPImageEncoder(clip, patches=True, engine=TORCH),
                CLIPImageEncoder(clip, patches=True, engine=choice),
                pictures(6),
            ),
        ):
            expected, found = np.stack(plain.encode(inputs)), np.stack(fast.encode(inputs))
            error = np.linalg.norm(found.astype(float) - expected) / np.linalg.norm(expected.astype(float))
            assert error < {"f32": 1e-3, "bf16": 2e-2}[choice.precision]


def test_records_with_and_without_patches_are_never_mixed(clip: Path) -> None:
    encoders = Encoders(clip=str(clip), engine="torch")
    texts, with_patches, alone = (
        encoders.clip_text_encoder,
        encoders.clip_image_encoder(patches=True),
        encoders.clip_image_encoder(patches=False),
    )
    assert encoders.clip_image_encoder(patches=True) is with_patches
    described = [str(encoder.describe()) for encoder in (texts, with_patches, alone)]
    assert len(set(described)) == 3


def test_a_table_reads_posts_through_clip(clip: Path, tmp_path: Path) -> None:
    Image.new("RGB", (30, 50), "red").save(tmp_path / "red.png")
    pairs = [
        Pair(id="whole", text="a day by the sea", image=tmp_path / "red.png"),
        Pair(id="long", text="rain " * 30, image=tmp_path / "gone.png"),
        Pair(id="none", text=""),
    ]
    table = FeatureTable(
        pairs,
        classes=("a", "b"),
        specs=[CLIPText(), CLIPImage(patches=True)],
        encoders=Encoders(clip=str(clip), engine="torch"),
        store=FeatureStore(tmp_path / "store"),
    )
    assert table.truncated == {"long": "32 tokens, the first 12 are used by CLIP"}
    assert table.unusable == {"long": "no such file"}
    batch = table.batch([2, 0, 1])
    torch.testing.assert_close(batch["clip_text"].norm(dim=1), torch.ones(3), atol=1e-3, rtol=0)
    np.testing.assert_allclose(batch["clip_text"][1], text_oracle(clip, pairs[0].text), atol=1e-3)
    assert batch["clip_image_present"].tolist() == [False, True, False]
    assert batch["clip_patches"].shape == (3, 9, 10)
    assert batch["clip_patches_mask"].all(1).tolist() == [False, True, False]
    assert not batch["clip_image"][[0, 2]].any()
    assert not batch["clip_patches"][[0, 2]].any()


def test_what_is_no_clip_is_refused(clip: Path, bert: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a bert model and no CLIP"):
        CLIPTextEncoder(bert, engine=TORCH)
    with pytest.raises(UserError, match="is a bert model and no CLIP"):
        CLIPImageEncoder(bert, patches=False, engine=TORCH)
    shutil.copytree(clip, tmp_path / "clip")
    (tmp_path / "clip" / "preprocessor_config.json").unlink()
    with pytest.raises(UserError, match=r"lacks preprocessor_config\.json"):
        CLIPImageEncoder(tmp_path / "clip", patches=False, engine=TORCH)
    with pytest.raises(UserError, match=r"--set encoders\.clip="):
        CLIPText().source(Encoders())
