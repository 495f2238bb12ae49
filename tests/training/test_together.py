"""Several processes that train one model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sentipair.errors import UserError
from sentipair.experiments.run import run_seeds
from sentipair.features import FeatureStore
from sentipair.models.persistence import load_model
from sentipair.training.recipes import configure

WORKER = Path(__file__).parent / "workers" / "together.py"


@pytest.mark.slow
def test_two_processes_train_what_one_does(sample_posts: Path, feature_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("accelerate", reason='pip install "sentipair[accelerate]"')
    # what `accelerate launch` itself starts for GPUs; on CPUs it would need MPI
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    said = {}
    for name, start in (("one", []), ("two", launch)):
        command = [sys.executable, *start, WORKER, sample_posts, feature_folder, tmp_path / name]
        said[name] = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, timeout=300, check=False
        )
        assert said[name].returncode == 0, said[name].stderr
    assert sorted(said["two"].stdout.splitlines()) == ["None", "[0]"]  # one evaluates, the other helped
    files = [sorted(p.name for p in (tmp_path / name).rglob("*")) for name in said]
    assert files[0] == files[1]
    weights = {name: load_file(tmp_path / name / "seed-0" / "model.safetensors") for name in said}
    _, config = load_model(tmp_path / "one" / "seed-0")
    weights["start"] = config.build(pretrained=True).state_dict()
    for part in ("tops.text", "tops.image", "model"):
        start, one, two = (flat(weights[name], part) for name in ("start", "one", "two"))
        assert (two - one).norm() < 0.1 * (one - start).norm() > 0, part  # bf16 rounds other sums


def flat(weights: dict[str, torch.Tensor], part: str) -> torch.Tensor:
    return torch.cat([weights[name].flatten() for name in sorted(weights) if name.startswith(part)])


@pytest.mark.parametrize("wishes", [(), ("plugins.finetune={text: 1}", "plugins.ensemble=2")])
def test_several_processes_without_layers_to_share_are_refused(
    wishes: tuple[str, ...], sample_posts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    config = configure("logistic-regression", str(sample_posts), engine="torch", overrides=wishes)
    with pytest.raises(
        UserError, match="several processes are of use to `sentipair train` with --finetune only"
    ):
        run_seeds(config, [0], tmp_path / "runs", store=FeatureStore(tmp_path / "features"))
