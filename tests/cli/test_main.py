"""Exit codes, one-line errors, ``--debug``, Ctrl-C, a closed pipe, and a start that loads nothing heavy."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest

from sentipair import __version__
from sentipair.cli import main, options
from sentipair.encoders import EngineName
from sentipair.errors import UserError

COMMANDS = [
    "quickstart",
    "data list",
    "data check",
    "data prepare",
    "models",
    "train",
    "evaluate",
    "predict",
    "benchmark",
    "ablate",
    "reproduce",
    "folds",
    "sweep",
    "report",
]
PROGRAM = "from sentipair.cli import main; main()"


def start(*words: object, **settings: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example(sentipair: Any, command: str) -> None:
    result = sentipair(*command.split(), "--help")
    assert result.code == 0
    assert f"Example: sentipair {command}" in result.out


def test_the_version(sentipair: Any) -> None:
    result = sentipair("--version")
    assert (result.code, result.out) == (0, f"sentipair {__version__}\n")


def test_the_help_lists_every_command(sentipair: Any) -> None:
    result = sentipair("--help")
    assert result.code == 0
    for command in COMMANDS:
        assert command.split()[0] in result.out
    assert "--debug" in result.out


@pytest.mark.parametrize(
    "words",
    [
        ["trian"],
        ["train"],
        ["train", "spp-scl", "--seeds", "0"],
        ["train", "--nonsense"],
        ["explain", "--nonsense"],
    ],
)
def test_wrong_usage_exits_with_2(sentipair: Any, words: list[str]) -> None:
    result = sentipair(*words)
    assert result.code == 2
    assert result.out == ""
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train", "spp-scl"], "name the data"),
        (["train", "spp-slc", "--data", "x.csv"], "did you mean 'spp-scl'?"),
        (["train", "spp-scl", "--data", "mvsa-singel"], "did you mean mvsa-single?"),
        (["train", "spp-scl", "--data", "mvsa-single", "--root", "nowhere"], "does not exist"),
        (["train", "spp-scl", "--data", "mvsa-single", "--root", "."], "found nothing of it"),
        (["train", "spp-scl", "--data", "mvsa-single", "--root", "file"], "that folder does not exist"),
        (["train", "spp-scl", "--data", "file"], "is no table"),
        (["train", "spp-scl", "--data", "."], "it needs one such table"),
        (["train", "spp-scl", "--data", "x", "--fidelity", "exact"], "use published or sound"),
        (["train", "spp-scl", "--data", "x", "--set", "training.epoch=3"], "did you mean 'training.epochs'?"),
        (
            ["train", "late-fusion", "--data", "x", "--finetune", "text:1", "--finetune", "text:2"],
            "name each encoder once",
        ),
        (["train", "config.yaml"], "No such file"),
        (["train", "config.yaml", "--set", "seed=1"], "holds data and settings already; leave out --"),
        (["evaluate", "nowhere"], "no trained model in nowhere"),
        (["predict", "nowhere", "", "text"], "no trained model in nowhere"),
        (["predict"], "give a picture and a text"),
        (["predict", "nowhere"], "no picture at nowhere"),
        (["predict", "nowhere", "--input", "posts.csv"], "--input posts.csv --output scored.parquet"),
        (["predict", "nowhere", "--output", "x.csv"], "--input posts.csv --output scored.parquet"),
        (["report", "nowhere"], "there is no run in nowhere"),
        (["report", "file"], "file is a file; give the folder of a run"),
        (["predict", "what a day " * 30], "there is no picture at what a day"),
        (["train", "spp-scl", "--data", "what a day " * 30], "File name too long"),
        (["predict", "--input", "x" * 300, "--output", "o.csv"], "File name too long"),
        (["predict", "--input", f"{'x' * 300}.csv", "--output", "o.csv"], "File name too long"),
        (["train", "spp-scl", "--data", "file.csv", "--set", "seed=-1"], "seed"),
        (
            ["train", "spp-scl", "--data", "file.csv", "--set", "seed=7", "--seeds", "2"],
            "leave out one of the two",
        ),
        (["train", "file.yaml", "--encoders", "paper"], "holds data and settings already; leave out --"),
        (["explain", "file", "--output", "./file"], "is the picture to be explained"),
        (["models", "x*"], "no model matches 'x*'"),
    ],
)
def test_an_error_is_one_line_and_exits_with_1(
    sentipair: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SENTIPAIR_DATA", raising=False)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    result = sentipair(*words)
    assert result.code == 1
    assert result.out == ""
    assert result.err.startswith("sentipair: ")
    assert expected in result.err
    assert result.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_console_without_emoji_gets_question_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252"))
    with pytest.raises(SystemExit):
        main(["data", "list"])
    print("fine 😀", flush=True)
    assert written.getvalue().endswith(b"fine ?\n")


def test_debug_shows_the_traceback(sentipair: Any) -> None:
    with pytest.raises(UserError):
        sentipair("report", "nowhere", "--debug")


def test_a_help_text_loads_nothing_heavy() -> None:
    check = "import sys; from sentipair.cli import main\ntry: main({words})\nexcept SystemExit: pass\n"
    check += (
        "print([name for name in ('torch', 'transformers', 'matplotlib', 'sklearn') if name in sys.modules])"
    )
    for words in (["--help"], ["train", "--help"], ["data", "list"]):
        done = subprocess.run(
            [sys.executable, "-c", check.format(words=words)], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "[]", words


def test_the_engines_are_those_of_the_encoders() -> None:
    (choices, _) = get_args(options.Engine)
    assert get_args(choices) == get_args(EngineName)


def test_a_reader_that_goes_away_is_no_error() -> None:
    with start("data", "list") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode in (0, 1)


@pytest.mark.slow
def test_ctrl_c_leaves_a_run_that_goes_on(sample_posts: Path, feature_folder: Path, tmp_path: Path) -> None:
    words = ["train", "spp-scl", "--data", sample_posts, "--engine", "torch", "--features", feature_folder]
    words += ["--output", tmp_path / "runs", "--set", "training.epochs=400", "--set", "training.patience=100"]
    hear = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # in the background of a shell it is ignored
    process = start(*words, env={**os.environ, "OMP_NUM_THREADS": "1"}, preexec_fn=hear)
    metrics = tmp_path / "runs" / "seed-0" / "metrics.jsonl"
    deadline = time.monotonic() + 400
    while not metrics.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "sentipair: stopped; repeat the command to go on where it was"
    assert "Traceback" not in err
    assert (tmp_path / "runs" / "seed-0" / "model.safetensors").exists()


def test_what_ends_with_the_process_is_not_collected() -> None:
    code = (
        "import atexit, gc\n"
        "atexit.register(lambda: print(frozen, gc.get_freeze_count() > 1000))\n"  # runs last
        "from sentipair.cli import main\n"
        "frozen = gc.get_freeze_count()\n"
        "main(['data', 'list'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 True"
