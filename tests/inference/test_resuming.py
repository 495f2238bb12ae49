"""A scoring that is stopped goes on where it was; nothing is lost, repeated, or taken from other circumstances."""

from __future__ import annotations

import csv
import os
import random
import signal
import time
import warnings
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from sentipair.errors import UserError
from sentipair.files import alone_in
from sentipair.inference import Predictor
from sentipair.inference.journal import Journal
from sentipair.inference.scoring import circumstances, score_table
from sentipair.inference.source import look_through
from sentipair.inference.verdicts import Verdict
from sentipair.inference.writing import problems_path


@pytest.fixture(scope="module")
def predictor(finished_run: Path) -> Predictor:
    return Predictor.from_pretrained(finished_run / "seed-0", engine="torch")


@pytest.fixture
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentipair.inference.source.CHUNK", 3)


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


class StoppedError(Exception):
    """Stands for a kill."""


@pytest.mark.usefixtures("short_chunks")
def test_a_stopped_scoring_goes_on_where_it_was(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write(tmp_path / "posts.csv", [{"text": f"post number {i}"} for i in range(20)])
    score_table(predictor, table, tmp_path / "whole.csv")
    asked: list[str] = []

    def until_stopped(pairs: Any) -> Any:
        asked.extend(pair.text for pair in pairs)
        if stop_at in asked:
            raise StoppedError
        return type(predictor).predict(predictor, pairs)

    monkeypatch.setattr(predictor, "predict", until_stopped)
    for stop_at in ("post number 4", "post number 13"):
        with pytest.raises(StoppedError):
            score_table(predictor, table, tmp_path / "scored.csv")
        assert not (tmp_path / "scored.csv").exists()
        kept = (tmp_path / "scored.csv.parts" / "journal.jsonl").read_bytes().count(b"\n") - 1
        assert kept == {"post number 4": 1, "post number 13": 4}[stop_at]
    asked.clear()
    stop_at = "nothing"
    capsys.readouterr()
    score_table(predictor, table, tmp_path / "scored.csv")
    assert "12 of 20 rows are scored already" in capsys.readouterr().err
    assert sorted(text for text in asked if text != "what a day") == sorted(
        f"post number {i}" for i in range(12, 20)
    )
    assert (tmp_path / "scored.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["posts.csv", "scored.csv", "whole.csv"]


@pytest.mark.usefixtures("short_chunks")
def test_another_table_or_model_begins_anew(
    predictor: Predictor, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"text": f"post number {i}"} for i in range(7)]
    write(tmp_path / "posts.csv", rows)
    others = {
        "the threshold": Predictor.from_pretrained(finished_run / "seed-0", engine="torch", threshold=0.9),
        "the model": Predictor.from_pretrained(finished_run / "seed-1", engine="torch"),
        "the table": predictor,
    }
    for changed, other in others.items():
        parts = tmp_path / "scored.csv.parts"
        parts.mkdir()
        known = look_through(tmp_path / "posts.csv", base=tmp_path)
        with closing(Journal(parts / "journal.jsonl", circumstances(predictor, known))) as journal:
            journal.append([Verdict([1.0, 0.0, 0.0], "positive")] * 3)
        if changed == "the table":
            write(tmp_path / "posts.csv", rows[:5])
        score_table(other, tmp_path / "posts.csv", tmp_path / "scored.csv")
        assert f"{changed} changed since this was stopped; scoring begins anew" in capsys.readouterr().err
        assert ",1.0,0.0,0.0," not in (tmp_path / "scored.csv").read_text(encoding="utf-8")


def test_a_mistaken_option_does_not_cost_what_is_scored(predictor: Predictor, tmp_path: Path) -> None:
    table = write(tmp_path / "posts.csv", [{"text": "a post"}])
    parts = tmp_path / "scored.csv.parts"
    parts.mkdir()
    (parts / "journal.jsonl").write_bytes(b"{}\n")
    for options in ({"date": "day"}, {"group": "who"}):
        with pytest.raises(UserError, match=r"posts\.csv has no column (day|who) \(it has: text\)"):
            score_table(predictor, table, tmp_path / "scored.csv", **options)  # type: ignore[arg-type]
    assert (parts / "journal.jsonl").exists()


def test_two_processes_do_not_score_into_one_file(predictor: Predictor, tmp_path: Path) -> None:
    table = write(tmp_path / "posts.csv", [{"text": "a post"}])
    with (
        alone_in(tmp_path / "scored.csv.parts"),
        pytest.raises(UserError, match="another sentipair is at work"),
    ):
        score_table(predictor, table, tmp_path / "scored.csv")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.usefixtures("short_chunks")
def test_a_killed_process_leaves_what_an_undisturbed_one_would(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor, "warm_up", lambda: None)  # would take most of the time of a child
    rows = [{"nr": str(i), "text": f"post number {i} " * (i % 7)} for i in range(24)]
    table, output = write(tmp_path / "posts.csv", rows), tmp_path / "scored.csv"
    generator, kills = random.Random(0), 0
    while child := fork_to_score(predictor, table, output):
        time.sleep(generator.uniform(0, 0.05 * (1 + kills)))  # in the end long enough on any machine
        os.kill(child, signal.SIGKILL)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            break
        kills += 1
    assert kills >= 3
    (tmp_path / ".scored.csv.abc.tmp").write_text("of a process that was killed while writing")
    score_table(predictor, table, output)
    score_table(predictor, table, tmp_path / "whole.csv")
    assert output.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert problems_path(output).read_bytes() == problems_path(tmp_path / "whole.csv").read_bytes()
    names = ("posts.csv", "scored.csv", "scored.csv.errors.csv", "whole.csv", "whole.csv.errors.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == list(names)


def fork_to_score(predictor: Predictor, table: Path, output: Path) -> int:
    """Score in a process of its own, which is returned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the threads of PyTorch are at rest
        child = os.fork()
    if not child:
        with suppress(BaseException):
            score_table(predictor, table, output)
            os._exit(0)
        os._exit(1)
    return child
