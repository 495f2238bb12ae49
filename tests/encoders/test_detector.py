"""Detectors of the DETR family against the network run by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from transformers import (
    AutoModelForObjectDetection,
    DetrConfig,
    DetrForObjectDetection,
    ResNetConfig,
    RTDetrConfig,
    RTDetrForObjectDetection,
    RTDetrResNetConfig,
    YolosConfig,
    YolosForObjectDetection,
)

from sentipair.encoders.detector import MOST, Detector, WholePicture, confidence
from sentipair.errors import UserError

from .conftest import save

SIDE, QUERIES = 64, 40
STAGES = {"embedding_size": 8, "hidden_sizes": [8, 8, 12, 16], "depths": [1, 1, 1, 1], "layer_type": "basic"}
SMALL = {
    "d_model": 16,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16,
    "num_queries": QUERIES,
    "num_labels": 5,
}


def detr() -> nn.Module:
    backbone = ResNetConfig(**STAGES, out_features=["stage4"])
    return DetrForObjectDetection(
        DetrConfig(
            **SMALL, encoder_layers=1, use_timm_backbone=False, backbone=None, backbone_config=backbone
        )
    )


def rt_detr() -> nn.Module:
    backbone = RTDetrResNetConfig(**STAGES, out_features=["stage2", "stage3", "stage4"])
    return RTDetrForObjectDetection(
        RTDetrConfig(
            **SMALL,
            backbone_config=backbone,
            encoder_hidden_dim=16,
            encoder_in_channels=[8, 12, 16],
            decoder_in_channels=[16, 16, 16],
            num_denoising=0,
        )
    )


def yolos() -> nn.Module:
    return YolosForObjectDetection(
        YolosConfig(
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            image_size=[SIDE, SIDE],
            patch_size=32,
            num_detection_tokens=QUERIES,
            num_labels=5,
        )
    )


@pytest.fixture(scope="module", params=[detr, rt_detr, yolos], ids=lambda make: make.__name__)
def detector(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny detector with random weights."""
    make: Callable[[], nn.Module] = request.param
    torch.manual_seed(0)
    folder = save(make(), tmp_path_factory.mktemp("models") / make.__name__)
    settings = {"size": {"height": SIDE, "width": SIDE}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def picture(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse.repeat(20, axis=0).repeat(20, axis=1))


def test_the_surest_queries_with_their_boxes(detector: Path) -> None:
    encoder = Detector(detector)
    squares = [encoder.preprocessing(picture(seed)) for seed in range(5)]
    records = encoder.encode(squares)
    network = AutoModelForObjectDetection.from_pretrained(detector).eval()
    assert encoder.dim == 16
    for square, record in zip(squares, records, strict=True):
        pixels = torch.tensor((square / 255 - 0.5) / 0.25).float().permute(2, 0, 1)[None]
        with torch.no_grad():
            found = network(pixels)
        states = found.last_hidden_state[0, -QUERIES:].numpy()
        logits, boxes = found.logits[0], found.pred_boxes[0].tolist()
        sure = logits.softmax(-1)[:, :5] if logits.shape[-1] == 6 else logits.sigmoid()
        ranked = sorted(range(QUERIES), key=lambda i: -float(sure[i].max()))[:MOST]
        assert record.shape == (MOST, 20)
        kept = [int(np.abs(states - row[4:].astype(float)).max(axis=1).argmin()) for row in record]
        assert set(kept[:10]) <= set(ranked[:20])  # half precision may swap near-equal ones
        for row, i in zip(record, kept, strict=True):
            x, y, w, h = boxes[i]
            corners = np.clip([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 0, 1)
            np.testing.assert_allclose(row[:4], corners, atol=2e-3)
            np.testing.assert_allclose(row[4:], states[i], atol=1e-2, rtol=1e-2)


def test_the_company_does_not_matter(detector: Path) -> None:
    encoder = Detector(detector)
    squares = [encoder.preprocessing(picture(seed)) for seed in range(5)]
    for square, record in zip(squares, encoder.encode(squares), strict=True):
        np.testing.assert_allclose(encoder.encode([square])[0][:5, :4], record[:5, :4], atol=5e-3)


def test_confidence_is_that_of_the_likeliest_object() -> None:
    logits = torch.tensor([[[0.0, 2.0, 5.0]]])
    exponentials = np.exp([0.0, 2.0, 5.0])
    with_nothing = float(confidence(logits, classes=2))
    assert with_nothing == pytest.approx(exponentials[1] / exponentials.sum())  # the last is "no object"
    assert float(confidence(logits, classes=3)) == pytest.approx(1 / (1 + np.exp(-5)))


def test_the_whole_picture_is_seen() -> None:
    preprocessing = WholePicture(crop=64)
    wide = Image.new("RGB", (300, 20))
    wide.paste("red", (0, 0, 30, 20))
    square = preprocessing(wide)
    assert square.shape == (64, 64, 3)
    assert square[32, 1].tolist() == [255, 0, 0]
    assert preprocessing.seen((300, 20)) == (0, 0, 1, 1)
    assert preprocessing.describe()["whole"]


def test_another_network_is_no_detector(vision: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match="is a resnet model and no detector"):
        Detector(vision("resnet"))
