"""``sentipair publish``: the folder, what is said of it, and the hub when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sentipair.errors import UserError
from sentipair.inference import publish

FILES = {"config.json", "model.safetensors", "README.md"}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, bool]]:
    """What would have been uploaded: the card, to where, whether in private."""
    uploads: list[tuple[str, str, bool]] = []

    def push(published: publish.PublishedModel, repo_id: str, *, private: bool) -> str:
        uploads.append((published.card, repo_id, private))
        return f"https://hub/{repo_id}"

    monkeypatch.setattr(publish, "push_to_hub", push)
    return uploads


def test_a_folder_that_predicts(
    sentipair: Any, finished_run: Path, tmp_path: Path, sent: list[tuple[str, str, bool]]
) -> None:
    folder = tmp_path / "model"
    result = sentipair("publish", finished_run, folder)
    assert result.code == 0, result.err
    assert result.out.splitlines() == [f"model     {folder}", f"card      {folder / 'README.md'}"]
    assert {path.name for path in folder.iterdir()} == FILES
    assert sent == []
    words = ["predict", "--model", folder, "", "what a day", "--engine", "torch", "--json"]
    assert sentipair(*words).json["label"] in ("positive", "neutral", "negative")


@pytest.mark.parametrize("private", [False, True])
def test_the_hub_gets_the_folder_if_it_is_named(
    private: bool, sentipair: Any, finished_run: Path, tmp_path: Path, sent: list[tuple[str, str, bool]]
) -> None:
    words = ["--private"] if private else []
    result = sentipair("publish", finished_run, tmp_path / "model", "--hub", "me/mine", *words)
    assert result.code == 0, result.err
    assert result.out.splitlines()[-1] == "https://hub/me/mine"
    assert sent == [((tmp_path / "model" / "README.md").read_text(encoding="utf-8"), "me/mine", private)]


def test_what_the_hub_refuses_is_one_line_and_the_folder_stays(
    sentipair: Any, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> str:
        raise UserError("cannot upload me/mine: log in")

    monkeypatch.setattr(publish, "push_to_hub", refuse)
    result = sentipair("publish", finished_run, tmp_path / "model", "--hub", "me/mine")
    assert (result.code, result.err) == (1, "sentipair: cannot upload me/mine: log in\n")
    assert {path.name for path in (tmp_path / "model").iterdir()} == FILES


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_without_a_trained_model_nothing_is_written(name: str, sentipair: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = sentipair("publish", tmp_path / name, tmp_path / "model")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("sentipair: there is no trained model in ")
    assert result.err.count("\n") == 1
    assert not (tmp_path / "model").exists()
