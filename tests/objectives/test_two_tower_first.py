"""Two stages: who learns when, which epochs can be chosen, and that a kill changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from sentipair.errors import UserError
from sentipair.features import PairBatch
from sentipair.models import CLIPCACG
from sentipair.objectives import CrossEntropy, TwoTowerFirst
from sentipair.training import loop
from sentipair.training.config import TrainingSettings
from sentipair.training.loop import best_epoch, fit

SIZES = {"text_dim": 8, "image_dim": 12, "dim": 8, "heads": 2, "hidden": 8}


def build(**settings: Any) -> CLIPCACG:
    torch.manual_seed(0)
    return CLIPCACG(**{**SIZES, "clip": "two-tower", **settings})


@pytest.fixture
def table(random_table: Any) -> Callable[..., Any]:
    """A table that has image vectors too."""

    class WithVectors(random_table):  # type: ignore[misc]
        def batch(self, indices: Any) -> PairBatch:
            batch: PairBatch = super().batch(indices)
            vectors = {"image": batch["grid"].float().mean(1), "image_present": batch["grid_mask"].any(1)}
            return replace(batch, features={**batch.features, **vectors})

    return WithVectors


@pytest.fixture
def train(table: Any, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Train in a folder below ``tmp_path``: two epochs of the first stage, then three of the second."""

    def run(
        name: str, *, epochs: int = 5, contrastive_epochs: int = 2, **settings: Any
    ) -> list[dict[str, Any]]:
        return fit(
            build(),
            TwoTowerFirst(contrastive_epochs=contrastive_epochs),
            train=table(25, seed=1),
            validation=table(12, seed=2),
            classes=("a", "b", "c"),
            settings=TrainingSettings(
                epochs=epochs, batch_size=8, learning_rate=0.01, weight_decay=0.1, **settings
            ),
            seed=0,
            folder=tmp_path / name,
        )

    return run


def moved(model: CLIPCACG, before: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}


def test_first_the_towers_learn_then_everything_else(table: Any) -> None:
    model, objective = build(), TwoTowerFirst(contrastive_epochs=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.5)
    batch = table(12).batch(range(12))
    towers = {name for name in model.state_dict() if name.startswith("space.")}
    for epoch, expected in ((1, towers), (2, set(model.state_dict()) - towers)):
        objective.begin_epoch(model, epoch)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        for _ in range(2):
            objective.step(model, batch, optimizer)
        assert moved(model, before) == expected


def test_the_first_stage_brings_texts_to_their_pictures(train: Any) -> None:
    history = train("run", epochs=9, contrastive_epochs=8)
    losses = [entry["train"]["clip"] for entry in history[:8]]
    assert losses[-1] < 0.8 * losses[0]
    assert "clip" not in history[8]["train"]
    assert "cross_entropy" in history[8]["train"]


def test_pairs_that_lack_a_part_are_left_out(table: Any) -> None:
    model, objective = build(), TwoTowerFirst()
    objective.begin_epoch(model, 1)
    batch = table(6).batch(range(6))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    known = batch["image_present"].clone()
    known[[0, 3]] = False
    partial = replace(batch, features={**batch.features, "image_present": known})
    whole = table(6).batch([1, 2, 4, 5])
    expected = objective.step(model, whole, optimizer)["loss"]
    assert objective.step(model, partial, optimizer)["loss"] == pytest.approx(expected)
    nobody = replace(batch, features={**batch.features, "image_present": torch.zeros(6, dtype=torch.bool)})
    assert objective.step(model, nobody, optimizer)["loss"] == 0
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters())


def test_without_towers_there_is_one_stage(table: Any) -> None:
    model, objective = build(clip="none"), TwoTowerFirst(label_smoothing=0.1)
    batch = table(6).batch(range(6))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    objective.begin_epoch(model.eval(), 1)
    assert objective.selectable
    expected = CrossEntropy(label_smoothing=0.1).step(model, batch, optimizer)
    assert objective.step(model, batch, optimizer) == expected


def test_no_epoch_of_the_first_stage_is_chosen_or_ends_the_training(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accuracies = iter([0.9, 0.5, 0.4, 0.6, 0.6])
    monkeypatch.setattr(
        loop, "validate", lambda *_: {"loss": 1.0, "accuracy": next(accuracies), "weighted_f1": 0.0}
    )
    saved = []
    monkeypatch.setattr(loop, "save_weights", lambda folder, _: saved.append(folder.name))
    history = train("run", contrastive_epochs=3, patience=1)
    assert len(history) == 5  # the fifth is no better than the fourth, and patience begins there
    assert best_epoch(history) == 4
    assert len(saved) == 1


def test_a_first_stage_that_would_take_all_epochs_is_refused_before_any(train: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"first stage takes all 3 epochs; raise training\.epochs"):
        train("run", epochs=3, contrastive_epochs=3)
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_a_first_stage_that_never_ends_is_refused(train: Any) -> None:
    with pytest.raises(UserError, match=r"first stage takes all 2 epochs; raise training\.epochs"):
        train("run", epochs=2, contrastive_epochs=2)


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_going_on_after_a_stop_equals_an_undisturbed_run(
    train: Any, tmp_path: Path, stopped_after: Any, stop: int
) -> None:
    undisturbed = train("undisturbed", schedule="cosine")
    with stopped_after(stop):
        train("stopped", schedule="cosine")
    resumed = train("stopped", schedule="cosine")
    assert [{**entry, "seconds": 0} for entry in resumed] == [
        {**entry, "seconds": 0} for entry in undisturbed
    ]
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("stopped", "undisturbed")]
    assert weights[0].keys() == weights[1].keys()
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name]), name
