"""A run that is killed at any moment and repeated ends as an undisturbed one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KILLS = 6

KILLER = """
import os, random, signal, sys, time
from pathlib import Path

import torch

from sentipair.experiments.run import run_seeds
from sentipair.features import FeatureStore
from sentipair.training.recipes import configure

torch.set_num_threads(1)
posts, features, output, undisturbed = map(Path, sys.argv[1:5])
wishes = ["training.epochs=5", "training.batch_size=8"]
config = configure("spp-scl", str(posts), engine="torch", overrides=wishes)
metrics = output / "seed-0" / "metrics.jsonl"
random.seed(0)


def epochs_done():
    return len(metrics.read_text().splitlines()) if metrics.exists() else 0


for kill in range(int(sys.argv[5])):
    child = os.fork()
    if child == 0:
        run_seeds(config, [0], output, store=FeatureStore(features))
        os._exit(0)
    deadline, done = time.monotonic() + 20, epochs_done()
    if kill % 2:  # every other kill comes after an epoch, the rest soon after the start
        while time.monotonic() < deadline and epochs_done() == done < 4:
            time.sleep(0.002)
    time.sleep(random.uniform(0, 0.3 if kill % 2 else 1.5))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print("killed after", epochs_done(), "epochs" if os.WIFSIGNALED(status) else "epochs, too late", flush=True)
for folder in (output, undisturbed):
    run_seeds(config, [0], folder, store=FeatureStore(features))
"""


def history(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{**json.loads(line), "seconds": 0} for line in lines]


@pytest.mark.slow
def test_kills_at_random_moments_leave_no_trace(
    sample_posts: Path, feature_folder: Path, finished_run: Path, tmp_path: Path
) -> None:
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    folders = [str(path) for path in (sample_posts, feature_folder, killed, undisturbed)]
    done = subprocess.run(
        [sys.executable, "-c", KILLER, *folders, str(KILLS)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    moments = done.stdout.splitlines()
    assert len(moments) == KILLS
    assert (
        sum(line.startswith(("killed after 1", "killed after 2", "killed after 3")) for line in moments) >= 2
    )
    one, other = undisturbed / "seed-0", killed / "seed-0"
    for name in (
        "model.safetensors",
        "predictions-test.parquet",
        "embeddings-test.safetensors",
        "config.yaml",
    ):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert history(one) == history(other)
    results = [json.loads((folder / "result.json").read_text(encoding="utf-8")) for folder in (one, other)]
    assert results[0]["best_epoch"] == results[1]["best_epoch"]
    assert not [path for path in other.iterdir() if path.suffix == ".tmp"]
