"""Exporting a whole model: what is in the folder, and that a model which differs never gets there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sentipair.errors import UserError
from sentipair.experiments.run import run_seeds
from sentipair.export import export_model, folder
from sentipair.features import FeatureStore
from sentipair.inference import Predictor
from sentipair.portable import Predictor as PortablePredictor
from sentipair.training.recipes import configure

FILES = {"config.json", "head.onnx", "image-encoder.onnx", "text-encoder.onnx", "tokenizer.json"}


def test_everything_is_in_one_folder(exported_model: Path) -> None:
    assert {path.name for path in exported_model.iterdir()} == FILES
    config = json.loads((exported_model / "config.json").read_text(encoding="utf-8"))
    model = Predictor.from_pretrained().config
    assert config["classes"] == list(model.classes)
    assert config["temperature"] == model.temperature
    assert config["text"]["steps"] == list(model.text_steps)
    assert config["outputs"] == ["logits", "text", "image"]


@pytest.fixture
def ready_made(exported_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exporting copies the files of the shipped model, which takes no time."""

    def write(made: Path, *_: Any, **__: Any) -> None:
        shutil.copytree(exported_model, made, dirs_exist_ok=True)

    monkeypatch.setattr(folder, "_write", write)


@pytest.mark.usefixtures("ready_made")
def test_an_earlier_export_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"format": "onnx", "outputs": ["logits"]}', encoding="utf-8")
    (tmp_path / "notes.txt").write_text("of the person", encoding="utf-8")
    assert export_model(None, tmp_path) < 1e-3
    assert {path.name for path in tmp_path.iterdir()} == FILES | {"notes.txt"}
    assert PortablePredictor(tmp_path)(text="what a day").label is not None


@pytest.mark.usefixtures("ready_made")
def test_a_run_and_other_files_are_left_alone(finished_run: Path, tmp_path: Path) -> None:
    for output in (finished_run, finished_run / "seed-0"):
        before = {path: path.stat().st_mtime_ns for path in output.rglob("*")}
        with pytest.raises(UserError, match="is a run, which other files would damage"):
            export_model(finished_run, output)
        assert {path: path.stat().st_mtime_ns for path in output.rglob("*")} == before
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text('{"of": "another program"}', encoding="utf-8")
        with pytest.raises(UserError, match=f"holds another {name}, which would be overwritten"):
            export_model(None, tmp_path / name)
        assert [path.name for path in (tmp_path / name).iterdir()] == [name]


@pytest.mark.usefixtures("ready_made")
def test_a_killed_export_is_begun_anew(tmp_path: Path) -> None:
    for name in ("head.onnx", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"of a process that was killed")
    assert export_model(None, tmp_path) < 1e-3


@pytest.mark.usefixtures("ready_made")
def test_a_model_that_differs_is_refused(finished_run: Path, tmp_path: Path) -> None:
    """The files of the shipped model are not those of this run."""
    with pytest.raises(
        UserError, match=r"^spp-scl cannot be exported: the onnx files differ from PyTorch by 0\.\d+"
    ):
        export_model(finished_run / "seed-0", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_cannot_be_exported_leaves_nothing(
    sample_posts: Path, feature_folder: Path, tmp_path: Path
) -> None:
    config = configure("majority", str(sample_posts), engine="torch", overrides=["training.epochs=1"])
    run_seeds(config, [0], tmp_path / "run", store=FeatureStore(feature_folder))
    with pytest.raises(UserError, match="majority cannot be exported"):
        export_model(tmp_path / "run", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="cannot write"):
        export_model(None, tmp_path / "file" / "out")
