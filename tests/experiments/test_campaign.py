"""Many runs at once: same results, nothing done twice, failures told, no orphans."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from sentipair.errors import UserError
from sentipair.experiments.campaign import Job, run_all
from sentipair.experiments.run import run_seeds
from sentipair.features import FeatureStore
from sentipair.training.config import RunConfig
from sentipair.training.recipes import configure


def configured(data: Path, *wishes: str) -> RunConfig:
    overrides = ["training.epochs=1", *wishes]
    return configure("spp-scl", str(data), engine="torch", overrides=overrides)


def test_workers_train_what_one_process_trains_and_only_once(
    sample_posts: Path, feature_folder: Path, tmp_path: Path
) -> None:
    store = FeatureStore(feature_folder)
    plain = configured(sample_posts)
    jobs = [
        Job(config=plain, folder=tmp_path / "plain"),
        Job(config=configured(sample_posts, "model.fusion=false"), folder=tmp_path / "no-fusion"),
    ]
    summaries = run_all(jobs, [0, 1], store=store, workers=2)
    assert [summary["seeds"] for summary in summaries] == [[0, 1], [0, 1]]
    weights = {job.folder: (job.folder / "seed-1" / "model.safetensors") for job in jobs}
    times = {path: path.stat().st_mtime_ns for path in weights.values()}
    assert run_all(jobs, [0, 1], store=store) == summaries
    assert times == {path: path.stat().st_mtime_ns for path in weights.values()}

    alone = run_seeds(plain, [0, 1], tmp_path / "alone", store=store)
    for split in ("validation", "test"):
        values = [summary[split]["accuracy"]["values"] for summary in (alone, summaries[0])]
        assert values[0] == pytest.approx(values[1], abs=1e-6)


def test_a_failing_seed_is_told_and_the_others_run(
    sample_posts: Path, feature_folder: Path, tmp_path: Path
) -> None:
    wild = configured(sample_posts, "training.learning_rate=1e30", "training.epochs=2")
    jobs = [
        Job(config=wild, folder=tmp_path / "wild"),
        Job(config=configured(sample_posts), folder=tmp_path / "tame"),
    ]
    with pytest.raises(UserError, match="1 of 2 trainings failed; the first: wild seed 0: the loss is not a"):
        run_all(jobs, [0], store=FeatureStore(feature_folder), workers=1)
    assert (tmp_path / "tame" / "seed-0" / "result.json").exists()
    assert not (tmp_path / "wild" / "seed-0" / "result.json").exists()


SCRIPT = """
import sys
from pathlib import Path
from sentipair.experiments.campaign import Job, run_all
from sentipair.features import FeatureStore
from sentipair.training.recipes import configure

if __name__ == "__main__":
    posts, features, output = map(Path, sys.argv[1:])
    config = configure("spp-scl", str(posts), engine="torch", overrides=["training.epochs=200"])
    run_all([Job(config=config, folder=output / "run")], [0, 1], store=FeatureStore(features), workers=2)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(
    blow: signal.Signals, sample_posts: Path, feature_folder: Path, tmp_path: Path
) -> None:
    script = tmp_path / "campaign.py"
    script.write_text(SCRIPT, encoding="utf-8")
    arguments = [str(each) for each in (script, sample_posts, feature_folder, tmp_path)]
    hear = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # in the background of a shell it is ignored
    parent = subprocess.Popen([sys.executable, *arguments], start_new_session=True, preexec_fn=hear)
    try:
        histories = [tmp_path / "run" / f"seed-{seed}" / "metrics.jsonl" for seed in (0, 1)]
        wait_for(lambda: all(path.exists() for path in histories), seconds=120)
        family = {
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/stat")
            if f" {parent.pid} " in read(path).partition(")")[2][:20]
        }
        assert len(family) >= 2
        os.kill(parent.pid, blow)
        parent.wait(timeout=20)
        wait_for(lambda: not any(is_running(process) for process in family), seconds=20)
    finally:
        parent.kill()
        parent.wait()
    lines = [json.loads(line) for path in histories for line in path.read_text().splitlines()]
    assert lines
    assert not list((tmp_path / "run").glob("seed-*/result.json"))


def is_running(process: int) -> bool:
    state = read(Path(f"/proc/{process}/stat")).partition(") ")[2][:1]
    return state not in ("", "Z")


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def wait_for(condition: object, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
