"""Scoring on a Ray cluster of two processes gives what the threads of one give, byte by byte."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentipair.errors import UserError
from sentipair.inference import Predictor
from sentipair.inference.cluster import Scorer
from sentipair.inference.scoring import Job, score_table
from sentipair.inference.source import Chunk, look_through


@pytest.fixture
def two_processes() -> Iterator[None]:
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
@pytest.mark.usefixtures("two_processes")
def test_two_actors_give_what_threads_give(finished_run: Path, sample_posts: Path, tmp_path: Path) -> None:
    predictor = Predictor.from_pretrained(finished_run / "seed-0", engine="torch")
    table = sample_posts / "posts.csv"
    rows = [f"{i % 60},images/{i % 5:05d}.jpg" if i % 100 == 0 else f"{i % 60}," for i in range(300)]
    table.write_text("text,image\n" + "\n".join(rows) + "\n", encoding="utf-8")
    reports = [
        score_table(predictor, table, tmp_path / workers / "scored.csv", workers=workers)
        for workers in ("threads", "ray")
    ]
    assert reports[0] == reports[1]
    scored = [(tmp_path / workers / "scored.csv").read_bytes() for workers in ("threads", "ray")]
    assert scored[0] == scored[1]
    assert scored[0].count(b"\n") == 301


def test_without_ray_the_package_to_install_is_named(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "posts.csv").write_text("text\na\n", encoding="utf-8")
    predictor = Predictor.from_pretrained(finished_run / "seed-0", engine="torch")
    with pytest.raises(UserError, match=r'pip install "sentipair\[ray\]"'):
        score_table(predictor, tmp_path / "posts.csv", tmp_path / "scored.csv", workers="ray")


def test_an_actor_finds_chunks_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentipair.inference.source.CHUNK", 2)
    (tmp_path / "posts.csv").write_text("text\na\nb\nc\nd\ne\nf\ng\n", encoding="utf-8")
    job = Job(source=look_through(tmp_path / "posts.csv", base=tmp_path), names={"text": "text"})
    actor = Scorer.__new__(Scorer)
    actor.job, actor.start = job, 1
    actor.chunks = actor._from(0)

    def texts(chunk: Chunk) -> list[str]:
        return [row["text"] for row in chunk.rows]

    assert [texts(actor._read(number)) for number in (0, 2, 1, 1, 2)] == [
        ["c", "d"],
        ["g"],
        ["e", "f"],
        ["e", "f"],
        ["g"],
    ]
    assert actor._read(0).first == 3
