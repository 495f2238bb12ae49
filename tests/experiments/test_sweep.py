"""Sweeps: resumed as if never stopped, a trial rerun to the same score, and the test set never touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sentipair.data import PairDataset
from sentipair.errors import UserError
from sentipair.experiments import trials as module
from sentipair.experiments.sweep import Sweep, search_space
from sentipair.experiments.trials import with_settings
from sentipair.features import FeatureStore
from sentipair.files import alone_in, explain_os_error
from sentipair.models import list_models, model_class
from sentipair.training.config import RunConfig
from sentipair.training.loop import DivergenceError
from sentipair.training.recipes import configure


@pytest.fixture(scope="module")
def config(sample_posts: Path) -> RunConfig:
    return configure("spp-scl", str(sample_posts), engine="torch", overrides=["training.epochs=2"])


def sweep_in(folder: Path, config: RunConfig, store: Path, **changes: Any) -> Sweep:
    options = {"space": search_space(config), "seeds": [0], "folder": folder, "store": FeatureStore(store)}
    return Sweep(config=config, **{**options, **changes})


@pytest.fixture(scope="module")
def finished(config: RunConfig, feature_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three trials; to be read, not changed."""
    folder = tmp_path_factory.mktemp("sweep") / "runs"
    sweep_in(folder, config, feature_folder).run(3)
    return folder


@pytest.fixture
def sweep(finished: Path, config: RunConfig, feature_folder: Path, tmp_path: Path) -> Sweep:
    """A copy of the finished sweep, to be changed."""
    return sweep_in(Path(shutil.copytree(finished, tmp_path / "runs")), config, feature_folder)


def scores(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))["trials"]
    return found


def test_every_trial_keeps_configuration_history_and_score(finished: Path, config: RunConfig) -> None:
    assert {path.name for path in finished.iterdir()} == {
        "sweep.json",
        "sweep.html",
        "trial-0",
        "trial-1",
        "trial-2",
    }
    for number, trial in enumerate(scores(finished)):
        folder = finished / f"trial-{number}"
        files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert files == {"config.yaml", "trial.json", "seed-0/metrics.jsonl"}
        lines = (folder / "seed-0" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        assert trial["score"] == max(json.loads(line)["validation"]["accuracy"] for line in lines)
        assert RunConfig.read(folder / "config.yaml") == with_settings(config, trial["settings"])
    summary = json.loads((finished / "sweep.json").read_text(encoding="utf-8"))
    assert scores(finished)[summary["best"]]["score"] == max(trial["score"] for trial in scores(finished))
    assert summary["majority"] == pytest.approx(5 / 12)


def test_no_test_table_is_made(
    tmp_path: Path, config: RunConfig, feature_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    table = module.Workbench.table

    def watched(bench: module.Workbench, split: str) -> Any:
        asked.append(split)
        return table(bench, split)

    monkeypatch.setattr(module.Workbench, "table", watched)
    sweep_in(tmp_path, config, feature_folder).run(1)
    assert asked == ["train", "validation"]


def test_a_stopped_sweep_ends_as_an_undisturbed_one(finished: Path, sweep: Sweep, stopped_after: Any) -> None:
    """Stopped in the second epoch of trial 1, after its first is on disk."""
    for number in (1, 2):
        shutil.rmtree(sweep.folder / f"trial-{number}")
    with stopped_after(1):
        sweep.run(3)
    assert (sweep.folder / "trial-1" / "seed-0" / "last.ckpt").exists()
    assert sweep.run(3)["trials"] == scores(finished)


def test_more_trials_can_be_added_and_none_is_done_twice(
    sweep: Sweep, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sweep.run(4)["trials"][:3] == scores(finished)
    monkeypatch.setattr(module, "fit_seed", None)
    assert len(sweep.run(4)["trials"]) == 4


def test_a_trial_run_again_has_the_same_score(sweep: Sweep) -> None:
    for _ in range(2):  # also where an earlier rerun is in the way
        again = sweep.rerun(1)
        assert again["score"] == again["recorded"] == scores(sweep.folder)[1]["score"]
    first, second = (
        (sweep.folder / name / "seed-0" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        for name in ("trial-1", "rerun-1")
    )
    for one, other in zip(first, second, strict=True):
        assert {**json.loads(one), "seconds": 0} == {**json.loads(other), "seconds": 0}


def test_a_trial_that_fails_is_kept_with_the_reason(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def diverge(*_: Any, **__: Any) -> None:
        raise DivergenceError("the loss is not a number after epoch 1")

    monkeypatch.setattr(module, "fit_seed", diverge)
    assert sweep.run(4)["trials"][3]["score"] is None
    assert "trial 3: the loss is not a number after epoch 1" in capsys.readouterr().err
    kept = json.loads((sweep.folder / "trial-3" / "trial.json").read_text(encoding="utf-8"))
    assert kept == {"score": None, "failed": "the loss is not a number after epoch 1"}
    monkeypatch.undo()
    assert sweep.run(5)["trials"][4]["score"] is not None


def test_a_full_disk_is_no_fault_of_the_trial(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(bench: Any, config: Any, model: Any, folder: Path, tables: Any) -> None:
        raise explain_os_error(OSError(28, "No space left on device"), folder) from OSError(28)

    monkeypatch.setattr(module, "fit_seed", no_room)
    with pytest.raises(UserError, match="No space left on device"):
        sweep.run(4)
    assert not (sweep.folder / "trial-3" / "trial.json").exists()
    monkeypatch.undo()
    assert sweep.run(4)["trials"][3]["score"] is not None


def test_the_score_is_the_mean_over_seeds(tmp_path: Path, config: RunConfig, feature_folder: Path) -> None:
    sweep_in(tmp_path, config, feature_folder, seeds=[0, 1]).run(1)
    found = json.loads((tmp_path / "trial-0" / "trial.json").read_text(encoding="utf-8"))
    assert len(found["values"]) == 2
    assert found["score"] == pytest.approx(sum(found["values"]) / 2)


def test_trained_encoder_layers_and_ensembles_can_be_swept(sample_posts: Path, tmp_path: Path) -> None:
    wishes = ["plugins.finetune={text: 1}", "plugins.ensemble=2", "training.epochs=1"]
    config = configure("late-fusion", str(sample_posts), engine="torch", overrides=wishes)
    sweep_in(tmp_path / "sweep", config, tmp_path / "features").run(1)
    (trial,) = scores(tmp_path / "sweep")
    assert 0 < trial["score"] <= 1


def test_another_sweep_in_the_same_folder_is_refused(
    sweep: Sweep, config: RunConfig, feature_folder: Path
) -> None:
    space = search_space(config)
    narrow = {name: span for name, span in space.items() if name != "model.dropout"}
    other = with_settings(config, {"training.epochs": 3})
    for expected, changed in {
        "settings": sweep_in(sweep.folder, other, feature_folder),
        "seeds": sweep_in(sweep.folder, config, feature_folder, seeds=[0, 1]),
        "search space": sweep_in(sweep.folder, config, feature_folder, space=narrow),
    }.items():
        for call in (lambda it=changed: it.run(1), lambda it=changed: it.rerun(0)):
            with pytest.raises(UserError, match=f"a sweep with other {expected}; choose another --output"):
                call()


def test_fewer_trials_than_there_are_forget_none(sweep: Sweep, finished: Path) -> None:
    assert sweep.run(1)["trials"] == scores(finished)


def test_one_process_at_a_time_works_in_a_sweep(sweep: Sweep) -> None:
    with alone_in(sweep.folder):
        for call in (lambda: sweep.run(4), lambda: sweep.rerun(0)):
            with pytest.raises(UserError, match="another sentipair is at work in"):
                call()


def test_other_labels_of_text_or_picture_are_other_data(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PairDataset, "own_labels", "changed")
    with pytest.raises(UserError, match="a sweep with other data"):
        sweep.run(4)


def test_a_trial_that_is_not_there_cannot_be_rerun(sweep: Sweep) -> None:
    with pytest.raises(UserError, match=r"no finished trial in .*trial-7"):
        sweep.rerun(7)


def test_what_is_fixed_or_not_there_is_not_searched(sample_posts: Path) -> None:
    config = configure("spp-scl", str(sample_posts), overrides=["objective.name=cross-entropy"])
    space = search_space(config, fixed=["model.dropout"])
    assert set(space) == {"model.input_dropout", "training.learning_rate", "training.weight_decay"}
    with pytest.raises(UserError, match=r"nothing to search for spp-scl; leave one of model.dropout, "):
        search_space(config, fixed=list(model_class("spp-scl").search_space))


@pytest.mark.parametrize("name", list_models())
def test_every_declared_search_space_fits_and_needs_the_same_features(name: str, sample_posts: Path) -> None:
    config = configure(name, str(sample_posts))
    required = model_class(name)(**config.model_settings).requires
    for setting, span in model_class(name).search_space.items():
        assert span.low < span.high
        assert span.low > 0 or not span.log
        ends = [with_settings(config, {setting: value}) for value in (span.low, span.high)]
        assert ends[0] != ends[1]
        for changed in ends:
            assert model_class(name)(**changed.model_settings).requires == required
