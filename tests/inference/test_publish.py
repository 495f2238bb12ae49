"""Handing a model on: the folder works alone, the card tells what was measured, the hub gets three files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sentipair.errors import UserError
from sentipair.inference import Predictor
from sentipair.inference.publish import publish, push_to_hub


@pytest.fixture(scope="module")
def published(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "model"
    publish(finished_run / "seed-0", folder)
    return folder


def test_the_folder_predicts_as_the_run_does(published: Path, finished_run: Path) -> None:
    assert {path.name for path in published.iterdir()} == {"config.json", "model.safetensors", "README.md"}
    there, run = (
        Predictor.from_pretrained(path, engine="torch") for path in (published, finished_run / "seed-0")
    )
    assert there(text="what a day") == run(text="what a day")
    assert there.config == run.config


def test_the_card_has_the_scores_of_the_run(published: Path, finished_run: Path, sample_posts: Path) -> None:
    card = (published / "README.md").read_text(encoding="utf-8")
    split = json.loads((finished_run / "seed-0" / "result.json").read_text(encoding="utf-8"))["splits"][
        "test"
    ]
    low, high = split["intervals"]["accuracy"]
    assert f"| test | {split['metrics']['accuracy']:.3f} ({low:.3f} – {high:.3f})" in card
    assert f"| majority class | {split['metrics']['majority_accuracy']:.3f}" in card
    for part in (
        "## Intended use",
        "## Data and protocol",
        "## Limits",
        "### Slices",
        "Tells positive, neutral and negative",
    ):
        assert part in card
    assert str(sample_posts.parent) not in card


def test_an_unfinished_run_is_not_published(finished_run: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((finished_run / "seed-0" / name).read_bytes())
    with pytest.raises(UserError, match="no finished run"):
        publish(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Hub:
    """A hub that notes what it is sent."""

    calls: ClassVar[list[dict[str, Any]]] = []

    def create_repo(self, repo_id: str, **settings: Any) -> str:
        self.calls.append({"repo_id": repo_id, **settings})
        return f"https://hub/{repo_id}"

    def upload_folder(self, **settings: Any) -> None:
        self.calls.append(settings)


def test_three_files_go_to_the_hub(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentipair.inference.publish.HfApi", Hub)
    Hub.calls.clear()
    assert push_to_hub(published, "me/model", private=True) == "https://hub/me/model"
    made, sent = Hub.calls
    assert made == {"repo_id": "me/model", "private": True, "exist_ok": True}
    assert (sent["repo_id"], sent["folder_path"]) == ("me/model", published)
    assert sent["allow_patterns"] == ["config.json", "model.safetensors", "README.md"]


def test_what_the_hub_refuses_is_one_line(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing(Hub):
        def create_repo(self, repo_id: str, **_: Any) -> str:
            raise OSError("401 Unauthorized\nmore")

    monkeypatch.setattr("sentipair.inference.publish.HfApi", Refusing)
    with pytest.raises(UserError, match="401 Unauthorized; log in with `hf auth login`") as error:
        push_to_hub(published, "me/model")
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match=r"lacks config\.json, model\.safetensors, README\.md"):
        push_to_hub(tmp_path, "me/model")
