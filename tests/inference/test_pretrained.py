"""Where models come from: runs, folders, the package, the hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sentipair.errors import UserError
from sentipair.inference import Predictor
from sentipair.inference.pretrained import SHIPPED, best_seed, find_model, shipped_models


def write_result(folder: Path, accuracy: float) -> None:
    folder.mkdir(parents=True)
    splits = {"validation": {"metrics": {"accuracy": accuracy}}}
    (folder / "result.json").write_text(json.dumps({"splits": splits}), encoding="utf-8")


def test_the_best_seed_on_validation_is_taken(tmp_path: Path) -> None:
    for seed, accuracy in ((0, 0.5), (2, 0.7), (10, 0.7), (11, 0.6)):
        write_result(tmp_path / f"seed-{seed}", accuracy)
    assert best_seed(tmp_path) == tmp_path / "seed-2"
    with pytest.raises(UserError, match="no trained model"):
        best_seed(tmp_path / "nowhere")


def test_a_run_a_seed_and_a_name_are_found(finished_run: Path) -> None:
    assert find_model(finished_run).parent == finished_run
    assert find_model(str(finished_run / "seed-1")) == finished_run / "seed-1"
    assert find_model() == find_model("mvsa-single") == SHIPPED / "mvsa-single"


@pytest.mark.parametrize("name", ["nowhere", "./no/where", "/no/where", "../nowhere"])
def test_a_path_that_is_not_there_is_never_asked_for_on_the_hub(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentipair.inference.pretrained.snapshot_download", None)
    with pytest.raises(UserError, match=r"there is no trained model in .*; give a folder .* or mvsa-single"):
        find_model(name)


def test_a_hub_id_is_downloaded(finished_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(name: str, *, allow_patterns: list[str]) -> str:
        asked.append((name, allow_patterns))
        return str(finished_run / "seed-0")

    monkeypatch.setattr("sentipair.inference.pretrained.snapshot_download", download)
    assert find_model("somebody/a-model") == finished_run / "seed-0"
    assert asked == [("somebody/a-model", ["config.json", "model.safetensors"])]


def test_a_hub_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(name: str, **_: object) -> str:
        raise OSError("offline\nmode")

    monkeypatch.setattr("sentipair.inference.pretrained.snapshot_download", download)
    with pytest.raises(UserError, match="the hub did not give it") as error:
        find_model("somebody/a-model")
    assert "\n" not in str(error.value)


def test_the_shipped_model_is_small_and_works_at_once() -> None:
    assert "mvsa-single" in shipped_models()
    files = {path.name: path.stat().st_size for path in (SHIPPED / "mvsa-single").iterdir()}
    assert set(files) == {"config.json", "model.safetensors", "README.md"}
    assert sum(files.values()) <= 8_000_000
    predictor = Predictor.from_pretrained(engine="torch")
    assert predictor.config.encoders == {"text": "all-MiniLM-L6-v2", "image": "efficientnet-lite0"}
    assert predictor.config.temperature != 1
    good, bad = predictor(
        [{"text": "what a wonderful happy day, love it"}, {"text": "sad, angry, terrible news"}]
    )
    assert (good.label, bad.label) == ("positive", "negative")


def test_an_exported_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "head.onnx").touch()
    with pytest.raises(UserError, match=r"is an exported model; ask it with `python -m sentipair\.portable"):
        find_model(tmp_path)
