"""``sentipair report``, ``benchmark``, ``ablate`` and ``reproduce`` as a person calls them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from sentipair.cli.benchmark import place


def test_a_run_as_markdown_and_latex(sentipair: Any, finished_run: Path) -> None:
    result = sentipair("report", finished_run, "--format", "md")
    assert result.code == 0
    assert "| split | Accuracy | Weighted F1 | Macro F1 |" in result.out
    assert r"\begin{tabular}{lrrr}" in sentipair("report", finished_run, "--format", "latex").out


def test_two_runs_on_one_page(sentipair: Any, finished_run: Path, tmp_path: Path) -> None:
    runs = [shutil.copytree(finished_run, tmp_path / name) for name in ("one", "two")]
    page = tmp_path / "page.html"
    assert sentipair("report", *runs, "--output", page).code == 0
    assert "Runs side by side" in page.read_text(encoding="utf-8")
    result = sentipair("report", runs[0], "--output", page)
    assert (result.code, "compares several runs" in result.err) == (1, True)


def test_a_stale_summary_is_brought_up_to_date(sentipair: Any, finished_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    expected = (run / "summary.json").read_text(encoding="utf-8")
    (run / "summary.json").write_text('{"seeds": [0], "test": {}}', encoding="utf-8")
    assert sentipair("report", run).code == 0
    assert (run / "summary.json").read_text(encoding="utf-8") == expected


def test_only_a_reader_can_be_followed_by_its_folder() -> None:
    assert place("mvsa-single=/data/a=b,c") == ("mvsa-single", "/data/a=b,c")
    assert place("/posts/run=3,b.csv") == ("/posts/run=3,b.csv", None)
    assert place("hfm") == ("hfm", None)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["benchmark", "--models", " , ", "--data", "hfm"], "name at least one model"),
        (["benchmark", "--models", "spp-scl", "--data", "hfm", "--data", "hfm=x"], "names a data set twice"),
        (["benchmark", "--models", "spp-slc", "--data", "hfm"], "did you mean 'spp-scl'"),
        (["ablate", "logistic-regression", "hfm"], "no ablations are declared for logistic-regression"),
        (["reproduce", "spp-scl", "posts.csv"], "no published results"),
        (
            ["benchmark", "--models", "mpt", "--data", "hfm", "--set", "seed=7"],
            "--set seed: use --seeds instead",
        ),
        (["ablate", "spp-scl", "hfm", "--set", "seed=7"], "--set seed: use --seeds instead"),
        (["reproduce", "spp-scl", "hfm", "--set", "seed=7"], "--set seed: use --seeds instead"),
        (["sweep", "spp-scl", "--data", "hfm", "--set", "seed=7"], "--set seed: use --seeds instead"),
        (["folds", "mpt", "--data", "hfm", "--set", "data.scheme=own"], "use --scheme instead"),
        (
            ["train", "mpt", "--data", "hfm", "--ensemble", "3", "--set", "plugins.ensemble=2"],
            "use --ensemble",
        ),
        (["train", "mpt", "--data", "hfm", "--finetune", ""], "--finetune names no encoder"),
        (["train", "config.yaml", "--fidelity", "sound", "--set", "a.b=1"], "leave out --fidelity, --set"),
        (["reproduce", "spp-scl", "mvsa-single", "--root", "/nowhere/at/all"], "/nowhere/at/all"),
    ],
)
def test_what_cannot_be_done_ends_in_one_line(
    sentipair: Any, words: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = sentipair(*words)
    assert result.code == 1
    assert expected in result.err
    assert result.err.count("\n") == 1
