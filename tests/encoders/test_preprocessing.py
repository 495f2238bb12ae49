"""Preprocessing against plain PIL and numpy by hand, and golden values of a drawn picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from transformers import (
    ConvNextImageProcessorPil,
    EfficientNetImageProcessorPil,
    LevitImageProcessorPil,
    PoolFormerImageProcessorPil,
)

from sentipair.encoders import Preprocessing
from sentipair.encoders.image import FeatureMap
from sentipair.errors import UserError


def drawn(width: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (width, height), (30, 90, 200))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.2, height * 0.1, width * 0.7, height * 0.6), fill=(250, 220, 40))
    draw.rectangle((0, height * 0.8, width, height), fill=(20, 140, 60))
    draw.line((0, 0, width, height), fill=(255, 0, 0), width=max(1, width // 40))
    return picture


def by_hand(picture: Image.Image, shorter: int, crop: int) -> np.ndarray:
    """torchvision's Resize and CenterCrop on PIL pictures, from their documentation."""
    width, height = picture.size
    size = (shorter, int(shorter * height / width))
    if width > height:
        size = (int(shorter * width / height), shorter)
    resized = np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
    top, left = (int(round((side - crop) / 2.0)) for side in resized.shape[:2])  # noqa: RUF046 (as there)
    return resized[top : top + crop, left : left + crop]


@pytest.mark.parametrize(
    "size", [(300, 200), (200, 300), (256, 256), (224, 259), (259, 224), (64, 64), (2000, 333), (500, 4000)]
)
@pytest.mark.parametrize(("shorter", "crop"), [(256, 224), (96, 65)])
def test_pixels_are_those_of_a_plain_resize_and_crop(size: tuple[int, int], shorter: int, crop: int) -> None:
    picture = drawn(*size)
    ours = Preprocessing(shorter_side=shorter, crop=crop)(picture).astype(int)
    difference = np.abs(ours - by_hand(picture, shorter, crop))
    assert difference.max() <= 1  # where a half was rounded the other way
    assert difference.mean() < 0.05


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 1000)])
def test_any_size_gives_a_whole_crop(size: tuple[int, int]) -> None:
    pixels = Preprocessing()(Image.new("RGB", size, (10, 20, 30)))
    assert pixels.shape == (224, 224, 3)
    assert (pixels == (10, 20, 30)).all()


def test_of_a_very_long_picture_the_middle_is_seen() -> None:
    picture = Image.new("RGB", (5000, 100), "black")
    picture.paste((255, 255, 255), (2450, 0, 2550, 100))
    pixels = Preprocessing()(picture)
    assert (pixels[:, 20:-20] == 255).all()


GOLDEN = {
    (30, 31): (40, 96, 193),
    (30, 32): (136, 152, 123),
    (111, 105): (255, 21, 4),
    (188, 10): (28, 101, 169),
}


def test_golden_values() -> None:
    """Points on edges, where interpolation shows; read off once, they change only if preprocessing does."""
    pixels = Preprocessing()(drawn(320, 240))
    assert pixels.dtype == np.uint8
    assert {(y, x): tuple(pixels[y, x].tolist()) for y, x in GOLDEN} == GOLDEN
    assert pixels.sum(dtype=np.int64) == pytest.approx(18_236_150, rel=1e-5)


def test_the_network_sees_normalised_channels_first() -> None:
    preprocessing = Preprocessing()
    picture = preprocessing(drawn(320, 240))
    seen = FeatureMap(torch.nn.Identity(), torch.nn.Identity(), preprocessing=preprocessing)(
        torch.from_numpy(picture.copy())[None]
    )
    expected = (picture / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(seen[0].reshape(224, 224, 3).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("config", "shorter", "crop", "resample"),
    [
        ({}, 256, 224, 2),
        # ResNet, ConvNeXt
        ({"crop_pct": 0.875, "size": 224, "resample": 3}, 256, 224, 3),
        ({"crop_pct": 0.875, "size": {"shortest_edge": 224}}, 256, 224, 2),
        # ViT
        ({"size": {"height": 224, "width": 224}, "resample": 2}, 256, 224, 2),
        ({"size": 384}, 439, 384, 2),
        # DINOv2, CLIP
        (
            {"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}, "resample": 3},
            256,
            224,
            3,
        ),
        ({"size": {"shortest_edge": 224}, "crop_size": 224}, 224, 224, 2),
        ({"size": 224, "crop_size": 224, "resample": 3}, 224, 224, 3),
        # EfficientNet as transformers saves it
        (
            {"size": {"height": 224, "width": 224}, "crop_size": {"height": 289}, "do_center_crop": False},
            256,
            224,
            2,
        ),
        # a crop larger than the resized picture would leave a black frame
        ({"size": {"shortest_edge": 224}, "crop_size": 256}, 256, 256, 2),
    ],
)
def test_what_a_model_folder_asks_for(
    tmp_path: Path, config: dict[str, object], shorter: int, crop: int, resample: int
) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(config))
    found = Preprocessing.of_folder(tmp_path)
    assert (found.shorter_side, found.crop, found.resample) == (shorter, crop, resample)
    assert found.mean == (0.485, 0.456, 0.406)


def test_an_efficientnet_gets_the_pixels_that_its_own_processor_gives(tmp_path: Path) -> None:
    processor = EfficientNetImageProcessorPil(size={"height": 64, "width": 64})
    processor.save_pretrained(tmp_path)
    found = Preprocessing.of_folder(tmp_path)
    picture = Image.new("RGB", (100, 80), (250, 30, 128))
    expected = np.asarray(processor(picture, return_tensors="np")["pixel_values"][0])
    pixels = found(picture) / 255
    assert pixels.shape == (64, 64, 3)
    np.testing.assert_allclose(
        ((pixels - found.mean) / found.std).transpose(2, 0, 1), expected, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({"do_flip_channel_order": True}, "blue before red"),
        ({"do_rescale": False}, "pixels of another range"),
        ({"rescale_factor": 1 / 127.5}, "pixels of another range"),
        ({"rescale_offset": True}, "pixels of another range"),
    ],
)
def test_what_is_not_done_here_is_refused(tmp_path: Path, settings: dict[str, Any], asked: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.raises(UserError, match=f"asks for {asked}, which is not supported"):
        Preprocessing.of_folder(tmp_path)


def test_mean_and_deviation_of_a_model_folder(tmp_path: Path) -> None:
    file = tmp_path / "preprocessor_config.json"
    file.write_text(json.dumps({"image_mean": [0.5] * 3, "image_std": [0.25] * 3}))
    assert (Preprocessing.of_folder(tmp_path).mean, Preprocessing.of_folder(tmp_path).std) == (
        (0.5,) * 3,
        (0.25,) * 3,
    )
    file.write_text(json.dumps({"do_normalize": False}))
    assert (Preprocessing.of_folder(tmp_path).mean, Preprocessing.of_folder(tmp_path).std) == (
        (0.0,) * 3,
        (1.0,) * 3,
    )


@pytest.mark.parametrize(
    "content",
    [
        '{"size": 22',
        "[]",
        '{"size": [224, 224]}',
        '{"size": {"longest_edge": 512}}',
        '{"size": {"height": 224, "width": 160}}',
        '{"crop_pct": 0}',
        '{"image_mean": 0.5}',
        '{"image_std": [0.5, 0.5]}',
        '{"resample": 9}',
    ],
)
def test_a_preprocessor_config_that_makes_no_sense_is_one_clear_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(content)
    with pytest.raises(UserError, match=r"preprocessor_config\.json cannot be understood"):
        Preprocessing.of_folder(tmp_path)


def test_null_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    names = (
        "size",
        "crop_size",
        "crop_pct",
        "image_mean",
        "image_std",
        "do_normalize",
        "do_rescale",
        "resample",
    )
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(dict.fromkeys(names)))
    assert Preprocessing.of_folder(tmp_path) == Preprocessing()


def test_the_newer_file_counts_where_it_is_alone(tmp_path: Path) -> None:
    nested = {"image_processor": {"image_mean": [0.1] * 3, "size": 32}, "processor_class": "CLIPProcessor"}
    (tmp_path / "processor_config.json").write_text(json.dumps(nested))
    assert Preprocessing.of_folder(tmp_path).mean == (0.1,) * 3
    assert Preprocessing.of_folder(tmp_path).crop == 32
    (tmp_path / "preprocessor_config.json").write_text('{"size": 48}')
    assert Preprocessing.of_folder(tmp_path).crop == 48
    (tmp_path / "preprocessor_config.json").unlink()
    (tmp_path / "processor_config.json").write_text('{"processor_class": "of texts"}')
    assert Preprocessing.of_folder(tmp_path) == Preprocessing()


def test_without_a_file_the_network_says_how_large_pictures_are(tmp_path: Path) -> None:
    found = Preprocessing.of_folder(tmp_path, side=384)
    assert (found.shorter_side, found.crop) == (439, 384)
    assert Preprocessing.of_folder(tmp_path, side=[384, 384]) == Preprocessing()


@pytest.mark.parametrize(
    "processor",
    [
        PoolFormerImageProcessorPil(size={"shortest_edge": 64}, crop_size=64, crop_pct=0.8),
        LevitImageProcessorPil(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}),
        ConvNextImageProcessorPil(size={"shortest_edge": 56}, crop_pct=0.875),
        ConvNextImageProcessorPil(size={"shortest_edge": 384}, crop_pct=0.875),
    ],
    ids=lambda processor: f"{type(processor).__name__}-{processor.size['shortest_edge']}",
)
def test_pictures_are_cut_as_the_models_own_processor_does(tmp_path: Path, processor: Any) -> None:
    processor.save_pretrained(tmp_path)
    found = Preprocessing.of_folder(tmp_path)
    coarse = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((150, 150), Image.Resampling.BICUBIC)
    expected = np.asarray(processor(picture, return_tensors="np")["pixel_values"][0]).transpose(1, 2, 0)
    pixels = (found(picture) / 255 - found.mean) / found.std
    assert pixels.shape == expected.shape
    assert np.abs(pixels - expected).mean() < 0.02  # one is resized at once, the other before it is cut


def test_equal_settings_have_equal_descriptions_and_others_differ() -> None:
    assert json.dumps(Preprocessing().describe()) == json.dumps(Preprocessing(resample=2).describe())
    assert Preprocessing().describe() != Preprocessing(resample=3).describe()


@pytest.mark.parametrize("size", [(640, 480), (300, 900), (50, 50), (4000, 100)])
def test_the_seen_part_is_what_the_cut_leaves(size: tuple[int, int]) -> None:
    preprocessing = Preprocessing()
    left, top, right, bottom = preprocessing.seen(size)
    image = Image.new("RGB", size)
    inner = tuple(
        round(share * side) for share, side in zip((left, top, right, bottom), 2 * size, strict=True)
    )
    image.paste("white", inner)
    pixels = preprocessing(image)
    assert pixels[8:-8, 8:-8].min() == 255  # the cut holds nothing else …
    wider = Image.new("RGB", size, "white")
    wider.paste("black", inner)
    assert preprocessing(wider)[8:-8, 8:-8].max() == 0
    assert (right - left) * size[0] == pytest.approx(224 / 256 * min(size))  # … and all of it
    assert (bottom - top) * size[1] == pytest.approx(224 / 256 * min(size))
