"""The training loop: schedules, the choice of the epoch, reproducibility, resuming."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from math import cos, pi
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from sentipair.errors import UserError
from sentipair.evaluation.predict import predict
from sentipair.objectives import CrossEntropy, Objective, SemiPushPull
from sentipair.training import loop
from sentipair.training.config import TrainingSettings
from sentipair.training.loop import best_epoch, cut, fit, is_over
from sentipair.training.optimizer import learning_rate

CLASSES = ("a", "b", "c")


@pytest.fixture
def train(random_table: Any, small_model: Any, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Train a small model in a folder below ``tmp_path``."""

    def run(
        name: str, *, epochs: int = 4, seed: int = 0, objective: Objective | None = None, **settings: Any
    ) -> list[dict[str, Any]]:
        folder = tmp_path / name
        return fit(
            small_model(seed=seed),
            objective or SemiPushPull(),
            train=random_table(25, seed=1),
            validation=random_table(12, seed=2),
            classes=CLASSES,
            settings=TrainingSettings(epochs=epochs, batch_size=8, learning_rate=0.01, **settings),
            seed=seed,
            folder=folder,
        )

    return run


def epoch(number: int, accuracy: float, loss: float) -> dict[str, Any]:
    return {"epoch": number, "validation": {"accuracy": accuracy, "loss": loss}}


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([(0.5, 1.0)], 1),
        ([(0.5, 1.0), (0.7, 2.0), (0.6, 0.1)], 2),  # accuracy goes before loss
        ([(0.7, 1.0), (0.7, 0.9), (0.7, 0.95)], 2),  # ties: lower loss
        ([(0.7, 1.0), (0.7, 1.0)], 1),  # equal in both: the earlier
    ],
)
def test_best_epoch(scores: list[tuple[float, float]], best: int) -> None:
    assert best_epoch([epoch(i, *pair) for i, pair in enumerate(scores, start=1)]) == best


def test_patience_counts_epochs_since_the_best() -> None:
    patient, endless = TrainingSettings(patience=2), TrainingSettings()
    history = [epoch(1, 0.5, 1.0), epoch(2, 0.6, 1.0), epoch(3, 0.6, 1.0)]
    assert not is_over([], patient)
    assert not is_over(history, patient)
    assert is_over([*history, epoch(4, 0.5, 0.1)], patient)
    assert not is_over([*history, epoch(4, 0.6, 0.9)], patient)  # better loss at equal accuracy
    assert not is_over([*history, epoch(4, 0.5, 0.1)], endless)


def test_patience_ends_the_training(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    accuracies = iter([0.5, 0.7, 0.6, 0.6, 0.9])
    monkeypatch.setattr(
        loop, "validate", lambda *_: {"loss": 1.0, "accuracy": next(accuracies), "weighted_f1": 0.0}
    )
    history = train("run", epochs=5, patience=2)
    assert [entry["validation"]["accuracy"] for entry in history] == [0.5, 0.7, 0.6, 0.6]


def test_step_schedule_is_that_of_torch() -> None:
    settings = TrainingSettings(epochs=25, learning_rate=0.02, schedule="step", step_size=4, gamma=0.3)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.02)
    reference = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.3)
    for number in range(25):
        rate = optimizer.param_groups[0]["lr"]
        assert learning_rate(settings, number, peak=0.02) == pytest.approx(rate)
        assert learning_rate(settings, number + 0.99, peak=0.02) == pytest.approx(
            rate
        )  # constant within an epoch
        optimizer.step()
        reference.step()


def test_cosine_schedule() -> None:
    settings = TrainingSettings(epochs=10, learning_rate=0.02, schedule="cosine")
    assert learning_rate(settings, 0, peak=0.02) == 0.02
    assert learning_rate(settings, 5, peak=0.02) == pytest.approx(0.01)
    assert learning_rate(settings, 10, peak=0.02) == pytest.approx(0)
    assert learning_rate(settings, 2.5, peak=0.02) == pytest.approx(0.02 * (1 + cos(pi / 4)) / 2)


@pytest.mark.parametrize("count", range(1, 20))
def test_batches_hold_everything_and_none_is_single(count: int) -> None:
    batches = [list(batch) for batch in cut(range(100, 100 + count), 4)]
    assert [i for batch in batches for i in batch] == list(range(100, 100 + count))
    sizes = [len(batch) for batch in batches]
    assert min(sizes) > 1 or count == 1
    assert all(size == 4 for size in sizes[:-1])
    assert sizes[-1] <= 5


def test_the_same_seed_gives_the_same_bytes(train: Any, tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        train(name, seed=seed)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two", "other")]
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_the_files_tell_what_happened(train: Any, tmp_path: Path) -> None:
    history = train("run")
    lines = (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == history
    assert [entry["epoch"] for entry in history] == [1, 2, 3, 4]
    assert {"loss", "cross_entropy", "step2"} <= set(history[0]["train"])
    assert {"loss", "accuracy", "weighted_f1", "macro_f1"} == set(history[0]["validation"])
    assert history[-1]["train"]["cross_entropy"] < history[0]["train"]["cross_entropy"]


def test_the_kept_weights_are_those_of_the_best_epoch(
    train: Any, random_table: Any, small_model: Any, tmp_path: Path
) -> None:
    history = train("run", epochs=6)
    model = small_model()
    model.load_state_dict(load_file(tmp_path / "run" / "model.safetensors"))
    table = random_table(12, seed=2)
    right = predict(model, table).logits.argmax(-1) == table.labels
    best = history[best_epoch(history) - 1]["validation"]
    assert float(right.float().mean()) == pytest.approx(best["accuracy"])
    assert best["accuracy"] == max(entry["validation"]["accuracy"] for entry in history)


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_going_on_after_a_stop_equals_an_undisturbed_run(
    train: Any, tmp_path: Path, stopped_after: Any, stop: int
) -> None:
    def timeless(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**entry, "seconds": 0} for entry in history]

    undisturbed = train("undisturbed", schedule="cosine")
    with stopped_after(stop):
        train("stopped", schedule="cosine")
    resumed = train("stopped", schedule="cosine")
    assert timeless(resumed) == timeless(undisturbed)
    for name in ("model.safetensors",):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()


def test_a_kill_before_the_checkpoint_repeats_the_epoch(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train("undisturbed")
    done = []

    def killed(*arguments: Any) -> None:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(original(*arguments))

    original = loop.save_checkpoint
    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_checkpoint", killed)
        with pytest.raises(KeyboardInterrupt):
            train("stopped")
    assert len((tmp_path / "stopped" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()) == 4
    assert len(train("stopped")) == 4
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("stopped", "undisturbed")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("limit", [1, 10**9])
def test_freed_memory_is_kept_unless_the_model_is_large(
    train: Any, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(loop, "MANY_PARAMETERS", limit)
    monkeypatch.setattr(loop, "keep_memory", lambda: calls.append("keep"))
    train("run", epochs=1)
    assert calls == ["keep"] * (limit > 1)


def test_a_finished_training_is_not_repeated(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    history = train("run")
    monkeypatch.setattr(loop, "train_epoch", None)
    assert train("run") == history


def test_a_loss_that_is_no_number_ends_the_training(train: Any, tmp_path: Path) -> None:
    class Diverging(CrossEntropy):
        def step(self, *_: Any) -> dict[str, float]:
            return {"loss": float("nan")}

    with pytest.raises(UserError, match=r"not a number after epoch 1; lower training\.learning_rate"):
        train("run", objective=Diverging())
    assert not (tmp_path / "run" / "last.ckpt").exists()


def test_a_batch_too_large_for_the_gpu_is_one_line(train: Any) -> None:
    class Large(CrossEntropy):
        def step(self, *_: Any) -> dict[str, float]:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(UserError, match=r"too small for 8 posts at once; .* --set training\.batch_size=4$"):
        train("run", objective=Large())


def test_the_learning_rate_reaches_the_optimiser(train: Any) -> None:
    rates = []

    class Spy(CrossEntropy):
        def step(self, model: Any, batch: Any, optimizer: Any) -> dict[str, float]:
            rates.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["weight_decay"]))
            return {"loss": 1.0}

    train("run", epochs=3, objective=Spy(), schedule="step", step_size=1, gamma=0.1, weight_decay=0.25)
    expected = [0.01 * 0.1**number for number in range(3) for _ in range(3)]  # 8 + 8 + 9 pairs
    assert [rate for rate, _ in rates] == pytest.approx(expected)
    assert {decay for _, decay in rates} == {0.25}


def test_every_epoch_sees_every_pair_once_in_a_new_order(train: Any) -> None:
    epochs: list[list[str]] = []

    class Spy(CrossEntropy):
        def step(self, model: Any, batch: Any, optimizer: Any) -> dict[str, float]:
            epochs.append(list(batch.ids))
            return {"loss": 1.0}

    train("run", epochs=2, objective=Spy())
    first, second = ([i for batch in part for i in batch] for part in (epochs[:3], epochs[3:]))
    assert sorted(first) == sorted(second) == sorted(map(str, range(25)))
    assert first != second


def test_the_trainer_cannot_be_given_test_data() -> None:
    assert set(inspect.signature(fit).parameters) == {
        "model",
        "objective",
        "train",
        "validation",
        "classes",
        "settings",
        "seed",
        "folder",
    }


def test_the_progress_line_fits_a_terminal_and_holds_the_figures() -> None:
    entry = epoch(1, 0.7312, 0.9) | {"train": {"loss": 14.0531, "step2": 0.25}}
    entry["validation"]["weighted_f1"] = 0.6789
    assert loop.describe([entry]) == "loss 14.05 step 2 25% val 0.731/0.679 best 1"
    del entry["train"]["step2"]
    assert "step 2" not in loop.describe([entry])
