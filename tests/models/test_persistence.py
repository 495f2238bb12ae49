"""Models on disk: what is damaged or missing is said in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from sentipair.errors import UserError
from sentipair.models import SPPSCL
from sentipair.models.persistence import CONFIG, WEIGHTS, ModelConfig, load_model, save_config, save_weights

from .cases import SIZES, random_batch

SETTINGS = {**SIZES, "text_layers": 2}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved model."""
    config = ModelConfig(
        model="spp-scl",
        settings=SETTINGS,
        classes=("negative", "neutral", "positive"),
        encoders={"text": "bert-base-uncased", "image": "microsoft/resnet-50"},
        text_steps=("blanks",),
    )
    torch.manual_seed(0)
    save_config(tmp_path, config)
    save_weights(tmp_path, config.build())
    return tmp_path


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / CONFIG
    values = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not None}), encoding="utf-8")


def assert_one_line(folder: Path, match: str) -> None:
    with pytest.raises(UserError, match=match) as raised:
        load_model(folder)
    assert "\n" not in str(raised.value)


def test_weights_come_back_bit_by_bit(folder: Path) -> None:
    model, config = load_model(folder)
    torch.manual_seed(0)
    expected = SPPSCL(**SETTINGS)
    assert config.classes == ("negative", "neutral", "positive")
    assert model.state_dict().keys() == expected.state_dict().keys()
    for name, value in expected.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    batch = random_batch(model)
    assert torch.equal(model(batch).logits, expected.eval()(batch).logits)


def test_saving_again_gives_the_same_bytes_and_leaves_nothing_behind(folder: Path) -> None:
    before = (folder / WEIGHTS).read_bytes()
    save_weights(folder, load_model(folder)[0])
    assert (folder / WEIGHTS).read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == [CONFIG, WEIGHTS]


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert_one_line(folder, f"no trained model in .*{name} is missing")


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert_one_line(tmp_path / "nowhere", "no trained model in .*nowhere")


@pytest.mark.parametrize("keep", [0, 4, 100, 5000, -1])
def test_weights_cut_short(folder: Path, keep: int) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[:keep])
    assert_one_line(folder, "is damaged.*train it again")


def test_weights_of_a_layer_that_is_no_more(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    save_file({**weights, "no_more.weight": torch.ones(3)}, folder / WEIGHTS)
    assert_one_line(folder, "of another version of sentipair .*train it again")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"3", b'"x"', b"\xff\xfe\x00"])
def test_a_config_that_is_none(folder: Path, content: bytes) -> None:
    (folder / CONFIG).write_bytes(content)
    assert_one_line(folder, "is damaged")


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": {"hiden": 3}},
        {"settings": {**SETTINGS, "classes": 4}},
        {"settings": {**SETTINGS, "text_layers": 3}},
        {"settings": 7},
        {"classes": None},
        {"encoders": None},
        {"surplus": 1},
    ],
    ids=str,
)
def test_a_config_that_does_not_fit(folder: Path, changes: dict[str, Any]) -> None:
    change_config(folder, **changes)
    assert_one_line(folder, "is damaged")


def test_a_model_of_another_name(folder: Path) -> None:
    change_config(folder, model="spp-sc")
    assert_one_line(folder, "no model 'spp-sc'; did you mean 'spp-scl'")


def test_a_disk_that_is_full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = (folder / WEIGHTS).read_bytes()
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*No space left on device; free space"):
        save_weights(folder, SPPSCL(**SIZES))
    assert (folder / WEIGHTS).read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == [CONFIG, WEIGHTS]
