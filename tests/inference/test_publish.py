"""Handing a model on: the folder works alone, the card tells what was measured, the hub gets three files."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch

from sentipair.data import Pair
from sentipair.errors import UserError
from sentipair.inference import Predictor
from sentipair.inference.publish import PublishedModel, publish, push_to_hub


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


def test_what_was_published_before_is_replaced_and_nothing_else(
    published: Path, finished_run: Path, tmp_path: Path
) -> None:
    publish(finished_run, published)
    for name, content in {
        "README.md": "# My project",
        "config.json": '{"mine": 1}',
        "model.safetensors": "",
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text(content, encoding="utf-8")
        with pytest.raises(UserError, match=f"holds another {name}, which would be overwritten"):
            publish(finished_run, folder)
        assert [(path.name, path.read_text("utf-8")) for path in folder.iterdir()] == [(name, content)]
    with pytest.raises(UserError, match="is a run, which other files would damage"):
        publish(finished_run / "seed-0", finished_run / "seed-1")


def test_an_unfinished_run_is_not_published(finished_run: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((finished_run / "seed-0" / name).read_bytes())
    with pytest.raises(UserError, match="no finished run"):
        publish(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_mixin_reads_what_it_wrote(published: Path, tmp_path: Path) -> None:
    model = PublishedModel.from_pretrained(str(published))
    model.save_pretrained(tmp_path / "again")
    for path in published.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
    predictor = Predictor.from_pretrained(published, engine="torch")
    batch = predictor.encode([Pair(id="a", text="what a day")]).batch()
    with torch.inference_mode():
        assert torch.equal(model(batch).logits, predictor.model(batch).logits)


class Hub:
    """A hub that notes what it is sent."""

    calls: ClassVar[list[dict[str, Any]]] = []

    def __init__(self, **_: Any) -> None:
        pass

    def create_repo(self, repo_id: str, **settings: Any) -> SimpleNamespace:
        self.calls.append({"repo_id": repo_id, **settings})
        return SimpleNamespace(repo_id=repo_id)

    def upload_folder(self, *, repo_id: str, folder_path: Path, **_: Any) -> str:
        self.calls.append({path.name: path.read_bytes() for path in folder_path.iterdir()})
        return f"https://hub/{repo_id}/commit/0123"


def test_three_files_go_to_the_hub(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", Hub)
    Hub.calls.clear()
    model = PublishedModel.from_pretrained(str(published))
    assert push_to_hub(model, "me/model", private=True) == "https://hub/me/model"
    made, sent = Hub.calls
    assert made == {"repo_id": "me/model", "private": True, "exist_ok": True}
    assert sent == {path.name: path.read_bytes() for path in published.iterdir()}


def test_what_the_hub_refuses_is_one_line(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(Hub):
        def create_repo(self, repo_id: str, **_: Any) -> SimpleNamespace:
            raise OSError("401 Unauthorized\nmore")

    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", Refusing)
    with pytest.raises(UserError, match="401 Unauthorized; log in with `hf auth login`") as error:
        push_to_hub(PublishedModel.from_pretrained(str(published)), "me/model")
    assert "\n" not in str(error.value)


def test_a_folder_that_cannot_be_written_is_one_line(finished_run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*file: "):
        publish(finished_run / "seed-0", tmp_path / "file")
