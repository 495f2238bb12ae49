"""Networks of many kinds: each gives its own states, whatever is beside a text, or is refused in one line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from torch import nn

from sentipair.encoders import ImageEncoder, TextEncoder
from sentipair.encoders.engines import TOLERANCE, EngineChoice
from sentipair.encoders.loading import load_tokenizer
from sentipair.errors import UserError

from .conftest import WORDS, save
from .test_text import error

SMALL = {
    "vocab_size": len(WORDS) + 4,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 160,
    "pad_token_id": 0,
}
TEXTS = {
    "DistilBert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32},
    "Albert": {"embedding_size": 16},
    "Electra": {"embedding_size": 16},
    "MPNet": {},
    "DebertaV2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "ModernBert": {
        "local_attention": 16,
        "global_attn_every_n_layers": 2,
        "cls_token_id": 2,
        "sep_token_id": 3,
    },
    "RoFormer": {},
}
PICTURES = {
    "ConvNext": {"hidden_sizes": [8, 16, 16, 24], "depths": [1, 1, 1, 1], "image_size": 64},
    "Swin": {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4, "image_size": 64},
    "Dinov2": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 56},
    "Beit": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64},
    "RegNet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "groups_width": 8},
    "DeiT": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64},
}


def tiny(kind: str, settings: dict[str, Any], folder: Path) -> Path:
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**settings)
    network: nn.Module = getattr(transformers, f"{kind}Model")(config)
    return save(network, folder)


@pytest.fixture
def text_folder(bert: Path, tmp_path: Path) -> Callable[..., Path]:
    """The folder of a tiny text network with BERT's tokenizer."""

    def make(kind: str, settings: dict[str, Any]) -> Path:
        folder = tiny(kind, {**SMALL, **settings}, tmp_path / kind)
        for file in bert.glob("tokenizer*"):
            shutil.copy(file, folder)
        return folder

    return make


@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_has_the_networks_own_states(kind: str, text_folder: Callable[..., Path]) -> None:
    folder = text_folder(kind, TEXTS[kind])
    texts = ["love!", "rain again. " * 35, "a quiet day by the sea"]  # far apart, so that much is padded
    network = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for engine in (EngineChoice("torch", "f32"), EngineChoice("openvino", "f32")):
        if engine.name == "openvino":
            pytest.importorskip("openvino", reason='pip install "sentipair[cpu]"')
        encoder = TextEncoder(folder, last=2, engine=engine)
        for text, record in zip(texts, encoder.encode(texts), strict=True):
            inputs = tokenizer(text, return_tensors="pt", return_token_type_ids=False)
            with torch.no_grad():
                states = network(**inputs, output_hidden_states=True).hidden_states
            expected = torch.stack(states[-2:], dim=2)[0].numpy()
            assert error(record, expected) < TOLERANCE["f32"] + 1e-3, (
                engine.name
            )  # half precision alone: 3e-4


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_has_the_networks_own_states(kind: str, tmp_path: Path) -> None:
    folder = tiny(kind, PICTURES[kind], tmp_path / kind)
    network = transformers.AutoModel.from_pretrained(folder).eval()
    coarse = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    pictures = [Image.fromarray(each).resize((100, 90)) for each in coarse]
    for engine in (EngineChoice("torch", "f32"), EngineChoice("openvino", "f32")):
        if engine.name == "openvino":
            pytest.importorskip("openvino", reason='pip install "sentipair[cpu]"')
        encoder = ImageEncoder(folder, engine=engine)
        pixels = [encoder.preprocessing(picture) for picture in pictures]
        mean, std = encoder.preprocessing.mean, encoder.preprocessing.std
        for given, record in zip(pixels, encoder.encode(pixels), strict=True):
            values = torch.tensor((given / 255 - mean) / std).float().permute(2, 0, 1)[None]
            with torch.no_grad():
                states = network(values).last_hidden_state
            expected = states.flatten(2).transpose(1, 2) if states.dim() == 4 else states
            assert error(record, expected[0].numpy()) < TOLERANCE["f32"] + 1e-3, engine.name
        assert encoder.shape == record.shape


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        ("Bart", {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1}, "which writes texts"),
        ("MobileBert", {"embedding_size": 16, "true_hidden_size": 16}, "the padding behind a text"),
    ],
)
def test_a_network_that_is_no_text_encoder(
    kind: str, settings: dict[str, Any], reason: str, text_folder: Callable[..., Path]
) -> None:
    folder = text_folder(kind, settings)
    with pytest.raises(UserError, match=f"{reason}.*; choose a BERT-like encoder"):
        TextEncoder(folder, engine=EngineChoice("torch", "f32"))


def test_a_tokenizer_without_cls_is_refused(clip: Path) -> None:
    assert load_tokenizer(clip, first_is_cls=False)("a")["input_ids"]
    with pytest.raises(UserError, match=r"does not put texts between \[CLS\] and \[SEP\]"):
        load_tokenizer(clip)


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        (
            "ViTMAE",
            {"hidden_size": 16, "num_attention_heads": 2, "image_size": 32},
            "hides most of a picture at random",
        ),
        ("CLIP", {}, "made of several networks"),
    ],
)
def test_a_network_that_is_no_image_encoder(
    kind: str, settings: dict[str, Any], reason: str, clip: Path, tmp_path: Path
) -> None:
    small = {"num_hidden_layers": 1, "decoder_hidden_size": 16, "decoder_num_attention_heads": 2}
    folder = clip if kind == "CLIP" else tiny(kind, {**small, **settings}, tmp_path / kind)
    with pytest.raises(UserError, match=reason):
        ImageEncoder(folder, engine=EngineChoice("torch", "f32"))


def test_a_network_that_cannot_be_run_is_one_line(tmp_path: Path) -> None:
    folder = tiny("ViT", {"hidden_size": 16, "num_attention_heads": 2, "image_size": 32}, tmp_path / "vit")
    (folder / "preprocessor_config.json").write_text('{"size": 48}')
    encoder = ImageEncoder(folder, engine=EngineChoice("torch", "f32"))
    with pytest.raises(UserError, match=r"cannot be used as an encoder: .*48") as caught:
        _ = encoder.shape
    assert "\n" not in str(caught.value)


def test_code_that_comes_with_a_model_is_never_run(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(bert, tmp_path / "own"))
    config = folder / "config.json"
    own = '"auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"}, "model_type": "own"'
    config.write_text(config.read_text().replace('"model_type": "bert"', own))
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(UserError, match="cannot read the model"):
        TextEncoder(folder, engine=EngineChoice("torch", "f32"))
    assert not (tmp_path / "ran").exists()
    assert "run the custom code" not in capfd.readouterr().out
