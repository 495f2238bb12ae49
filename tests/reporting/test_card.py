"""The model card: what it says of a run must be so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from sentipair.reporting.card import model_card


def altered(finished_run: Path, folder: Path, name: str, change: Any) -> Path:
    """A copy of a seed in which ``change`` has been made to a JSON file."""
    copy = Path(shutil.copytree(finished_run / "seed-0", folder / "seed-0"))
    values = json.loads((copy / name).read_text(encoding="utf-8"))
    change(values)
    (copy / name).write_text(json.dumps(values), encoding="utf-8")
    return copy


def test_layers_that_were_trained_are_not_called_frozen(finished_run: Path, tmp_path: Path) -> None:
    assert "- Encoders, frozen: text all-MiniLM-L6-v2, image" in model_card(finished_run / "seed-0")

    def tune(config: Any) -> None:
        config["plugins"] = {"finetune": {"layers": {"text": 2}}}

    card = model_card(altered(finished_run, tmp_path, "config.json", tune))
    assert "- Encoders, frozen but for the last 2 layers of text: text all-MiniLM-L6-v2" in card


def test_a_class_without_posts_is_no_weakness(finished_run: Path, tmp_path: Path) -> None:
    def empty(result: Any) -> None:
        first, *others = result["splits"]["test"]["metrics"]["per_class"]
        first.update(support=0, recall=0.0)
        for row in others:
            row["recall"] = 0.5

    card = model_card(altered(finished_run, tmp_path, "result.json", empty))
    assert "Of the neutral posts it finds 50%, the fewest" in card
    assert "No post is positive; that counts as 0 in macro F1." in card
