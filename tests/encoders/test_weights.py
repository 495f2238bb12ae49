"""Model folders that are incomplete, half downloaded or mixed up: one line each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from sentipair.encoders import ImageEncoder, TextEncoder, weights
from sentipair.encoders.engines import EngineChoice
from sentipair.encoders.loading import load_network
from sentipair.encoders.weights import folder_revision, locate, revisions
from sentipair.errors import UserError

TORCH = EngineChoice("torch", "f32")


@pytest.fixture
def copy(bert: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bert, tmp_path / "copy"))


def one_line(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_lacking_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert f"{copy} lacks {name}" in one_line(lambda: locate(copy))


def test_an_empty_folder_lacks_both(tmp_path: Path) -> None:
    assert "lacks config.json, model.safetensors" in one_line(lambda: locate(tmp_path))


def test_a_lacking_part_of_sharded_weights_is_named(copy: Path) -> None:
    parts = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (copy / "model.safetensors").rename(copy / parts["a"])
    (copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
    assert f"{copy} lacks {parts['b']}" in one_line(lambda: locate(copy))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_half_a_download_is_one_clear_line(copy: Path, share: float) -> None:
    file = copy / "model.safetensors"
    os.truncate(file, int(file.stat().st_size * share))
    assert "is not whole (an interrupted download?)" in one_line(
        lambda: TextEncoder(copy, last=1, engine=TORCH)
    )


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_half_a_json_file_is_one_clear_line(copy: Path, name: str) -> None:
    os.truncate(copy / name, 40)
    assert f"cannot read the model in {copy}" in one_line(lambda: TextEncoder(copy, last=1, engine=TORCH))


def test_a_lacking_tokenizer_is_one_clear_line(copy: Path) -> None:
    for file in copy.glob("*token*"):
        file.unlink()
    assert f"{copy} lacks tokenizer.json" in one_line(lambda: TextEncoder(copy, last=1, engine=TORCH))


def test_weights_of_another_network_are_refused(copy: Path) -> None:
    """transformers would fill what is lacking with random numbers and go on."""
    weights = load_file(copy / "model.safetensors")
    save_file(
        {k: v for k, v in weights.items() if "layer.1" not in k}, copy / "model.safetensors", {"format": "pt"}
    )
    assert "lacks 16 weights of the network" in one_line(
        lambda: TextEncoder(copy, last=1, engine=TORCH).encode(["a"])
    )


def test_a_pooler_may_be_lacking(copy: Path, bert: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    save_file(
        {k: v for k, v in weights.items() if "pooler" not in k}, copy / "model.safetensors", {"format": "pt"}
    )
    (with_it,) = TextEncoder(bert, last=1, engine=TORCH).encode(["love"])
    (without,) = TextEncoder(copy, last=1, engine=TORCH).encode(["love"])
    assert (with_it == without).all()
    once, again = (load_network(copy).state_dict() for _ in range(2))
    assert all((once[name] == again[name]).all() for name in once)


def test_neither_folder_nor_cached_and_no_network(tmp_path: Path) -> None:
    script = "from sentipair.encoders.weights import locate\nlocate('nobody/no-such-model')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(
        "sentipair.errors.UserError: model 'nobody/no-such-model' is neither a local folder nor in"
    )


def test_a_mistyped_folder_is_one_clear_line() -> None:
    assert "neither a local folder nor in" in one_line(lambda: ImageEncoder("/no/such/folder", engine=TORCH))


def test_the_revision_follows_the_content_and_not_the_place(bert: Path, copy: Path) -> None:
    assert folder_revision(copy) == folder_revision(bert)
    assert (
        TextEncoder(copy, last=1, engine=TORCH).describe()
        == TextEncoder(bert, last=1, engine=TORCH).describe()
    )
    (copy / "README.md").write_text("changes nothing")
    assert folder_revision(copy) == folder_revision(bert)
    (copy / "tokenizer_config.json").write_text("{}")
    assert folder_revision(copy) != folder_revision(bert)


def test_what_an_encoder_is_told_by(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "locate", lambda name: tmp_path / "snapshots" / "a1b2c3")
    named = {
        "text": str(bert),
        "image": "efficientnet-lite0",
        "clip": "openai/clip",
        "regions": str(tmp_path),
    }
    assert revisions(named) == {"text": folder_revision(bert), "clip": "a1b2c3"}


@pytest.mark.parametrize("index", ["[]", '"x"', '{"weight_map": []}', '{"weight_map": {"a": 3}}'])
def test_an_index_of_weights_that_is_none_is_one_line(copy: Path, index: str) -> None:
    (copy / "model.safetensors.index.json").write_text(index)
    assert "is damaged; download it again" in one_line(lambda: TextEncoder(copy, engine=TORCH))
