"""Configurations: complete, checked, and enough to rebuild a run."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml

from sentipair.errors import UserError
from sentipair.models import SPPSCL, settings_of
from sentipair.objectives import SemiPushPull
from sentipair.training.config import FILLED_IN, PARTS, RunConfig, TrainingSettings, build_config
from sentipair.training.recipes import configure


def values(**changes: Any) -> dict[str, Any]:
    return {
        "model": {"name": "spp-scl"},
        "objective": {"name": "semi-push-pull"},
        "data": {"source": "posts.csv"},
        "encoders": {"text": "a", "image": "b"},
        **changes,
    }


def test_the_written_file_has_every_setting_and_reads_back(tmp_path: Path) -> None:
    config = configure("spp-scl", "mvsa-single", seed=3)
    config.write(tmp_path / "config.yaml")
    written = yaml.safe_load((tmp_path / "config.yaml").read_text(encoding="utf-8"))
    assert set(written) == {*PARTS, "seed"}
    assert set(written["model"]) == {"name", *settings_of(SPPSCL)} - set(FILLED_IN)
    objective = inspect.signature(SemiPushPull).parameters
    assert set(written["objective"]) == {"name", *objective}
    assert set(written["training"]) == set(TrainingSettings.model_fields)
    assert (written["data"]["variant"], written["data"]["scheme"]) == ("polarity-wins", "clmlf")
    assert written["data"]["text_steps"]
    assert RunConfig.read(tmp_path / "config.yaml") == config


def test_identity_tells_settings_apart_but_not_seeds() -> None:
    config = build_config(values())
    assert build_config(values(seed=7)).identity() == config.identity()
    for change in (
        {"training": {"epochs": 3}},
        {"objective": {"name": "semi-push-pull", "alpha": 0.5}},
        {"data": {"source": "other.csv"}},
        {"encoders": {"text": "a", "image": "c"}},
    ):
        assert build_config(values(**change)).identity() != config.identity()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"training": {"epoch": 3}}, "did you mean 'training.epochs'?"),
        ({"model": {"name": "spp-scl", "dropuot": 0.1}}, "did you mean 'model.dropout'?"),
        ({"objective": {"name": "semi-push-pull", "alhpa": 1}}, "did you mean 'objective.alpha'?"),
        ({"data": {"source": "x", "varient": "y"}}, "did you mean 'data.variant'?"),
        ({"encoders": {"text": "a", "image": "b", "engin": "auto"}}, "did you mean 'encoders.engine'?"),
        ({"training": {"epochs": "many"}}, "training.epochs"),
        ({"training": {"batch_size": 1}}, "training.batch_size"),
        ({"training": {"learning_rate": -1}}, "training.learning_rate"),
        ({"training": {"schedule": "linear"}}, "training.schedule"),
        ({"encoders": {"text": "a", "image": "b", "engine": "cuda"}}, "encoders.engine"),
        ({"model": {"name": "spp-scl", "fidelity": "exact"}}, "model.fidelity"),
        ({"model": {"name": "spp-slc"}}, "did you mean 'spp-scl'?"),
        ({"model": {}}, "model.name"),
        ({"model": {"name": "spp-scl", "classes": 5}}, "model.classes comes from the data"),
        ({"objective": {"name": "hinge"}}, "cross-entropy"),
        ({"objective": "semi-push-pull"}, "objective is 'semi-push-pull'"),
        ({"training": [3]}, "training is [3]"),
        ({"seed": "x"}, "seed"),
        ({"sede": 1}, "did you mean 'config.seed'?"),
    ],
)
def test_what_does_not_fit_is_one_line(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError) as error:
        build_config(values(**change))
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"- 1\n", b"model: {name: spp-scl}\n", b"a: [", b"\xff\xfe\x00"])
def test_a_file_that_is_no_configuration_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        RunConfig.read(path)
    assert "\n" not in str(error.value)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.yaml: No such file"):
        RunConfig.read(tmp_path / "nowhere.yaml")


def test_a_table_of_rationales_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for given, expected in ((None, None), ("lexicon", "lexicon"), ("r.csv", str(tmp_path / "r.csv"))):
        config = build_config(values(data={"source": "x", "rationales": given}))
        assert config.data.rationales == expected


def test_the_fidelity_is_sound_where_there_is_no_other() -> None:
    for model, fidelity in (("late-fusion", "sound"), ("spp-scl", "sound"), ("spp-scl", "published")):
        assert configure(model, "mvsa-single", fidelity=fidelity).fidelity == fidelity
