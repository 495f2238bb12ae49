"""The training loop: one for every model and objective. It sees training and validation data, never a test set."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from sentipair.devices import from_main, is_main
from sentipair.errors import UserError
from sentipair.evaluation.metrics import evaluate_predictions
from sentipair.evaluation.predict import predict
from sentipair.features import FeatureTable
from sentipair.files import write_text
from sentipair.memory import give_memory_back, keep_memory
from sentipair.models import PairModel
from sentipair.models.persistence import save_weights
from sentipair.objectives import Objective
from sentipair.progress import progress_bar
from sentipair.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from sentipair.training.config import TrainingSettings
from sentipair.training.optimizer import make_optimizer, set_learning_rates

CHECKPOINT = "last.ckpt"
HISTORY = "metrics.jsonl"
MANY_PARAMETERS = 20_000_000
"""From here on freed memory is not kept: cut into pieces it adds 0.7 GiB to what published CLMLF and ITIN take, and new
pages are nothing beside their arithmetic."""


class DivergenceError(UserError):
    """A training whose loss is no longer a number: its settings are to blame."""


def fit(
    model: PairModel,
    objective: Objective,
    *,
    train: FeatureTable,
    validation: FeatureTable,
    classes: Sequence[str],
    settings: TrainingSettings,
    seed: int,
    folder: Path,
) -> list[dict[str, Any]]:
    """Train ``model`` in place and keep the weights of the best epoch in ``folder``.

    Best is the highest validation accuracy, among equals the lowest validation loss. After every epoch the folder holds
    a checkpoint; a run that was killed goes on from it and ends with the same weights as an undisturbed one, because an
    epoch's order and dropout depend on the seed and the epoch's number alone. The checkpoint is written last: whatever
    a kill leaves behind beside it is what the repeated epoch writes again. Of several processes only the main one
    writes.

    Args:
        model: freshly initialised.
        objective: owns the updates.
        train: at least two pairs, all with labels; see ``check_trainable``.
        validation: at least one pair, all with labels.
        classes: class names in the order of the logits.
        settings: optimiser, schedule, when to stop.
        seed: of the order of the pairs and of dropout.
        folder: of the run.

    Returns:
        One entry per epoch, as written to ``metrics.jsonl``; the model has the weights of the last one.

    Raises:
        DivergenceError: the loss is no longer a number.
        UserError: the folder cannot be written to, or no epoch trained the classifier.
    """
    if sum(parameter.numel() for parameter in model.parameters()) < MANY_PARAMETERS:
        keep_memory()
    optimizer = make_optimizer(model, settings)
    checkpoint = folder / CHECKPOINT
    history: list[dict[str, Any]] = []
    objective.begin_epoch(model, settings.epochs)
    if not objective.selectable:
        raise UserError(
            f"the objective's first stage takes all {settings.epochs} epochs; raise training.epochs"
        )
    if checkpoint.exists():
        history, state = load_checkpoint(checkpoint, model, optimizer)
        objective.restore(state)
    with progress_bar() as bar:
        task = bar.add_task(f"seed {seed}", total=settings.epochs, completed=len(history), note="")
        for epoch in range(len(history) + 1, settings.epochs + 1):
            if is_over(history, settings):
                break
            started = time.perf_counter()
            torch.manual_seed(epoch_seed(seed, epoch))
            objective.begin_epoch(model, epoch)
            terms = train_epoch(model, objective, optimizer, train, settings, epoch)
            scores = from_main(validate(model, validation, classes))
            history.append(
                {
                    "epoch": epoch,
                    "selectable": objective.selectable,
                    "seconds": round(time.perf_counter() - started, 3),
                    "train": terms,
                    "validation": scores,
                }
            )
            refuse_divergence(history[-1])
            if is_main():
                if objective.selectable and best_epoch(history) == epoch:
                    save_weights(folder, model)
                write_text(folder / HISTORY, "".join(json.dumps(entry) + "\n" for entry in history))
                save_checkpoint(checkpoint, model, optimizer, Progress(history, objective.state()))
            bar.update(task, advance=1, note=describe(history))
    give_memory_back()
    return history


def train_epoch(
    model: PairModel,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    table: FeatureTable,
    settings: TrainingSettings,
    epoch: int,
) -> dict[str, float]:
    """One pass over the training data in random order; returns the mean of everything the objective reports."""
    model.train()
    order = torch.randperm(len(table)).tolist()
    batches = list(cut(order, settings.batch_size))
    sums: dict[str, float] = defaultdict(float)
    for index, rows in enumerate(batches):
        set_learning_rates(optimizer, settings, epoch - 1 + index / len(batches))
        try:
            values = objective.step(model, table.batch(rows), optimizer)
        except torch.OutOfMemoryError as error:
            raise UserError(
                f"the GPU's memory is too small for {len(rows)} posts at once; "
                f"make batches smaller: --set training.batch_size={max(2, len(rows) // 2)}"
            ) from error
        for name, value in values.items():
            sums[name] += value / len(batches)
    return dict(sums)


def validate(model: PairModel, table: FeatureTable, classes: Sequence[str]) -> dict[str, float]:
    """Loss, accuracy and F1 on the validation data."""
    logits = predict(model, table).logits
    metrics = evaluate_predictions(table.labels.numpy(), logits.argmax(-1).numpy(), classes)
    return {
        "loss": functional.cross_entropy(logits, table.labels).item(),
        "accuracy": metrics.accuracy,
        "weighted_f1": metrics.weighted_f1,
        "macro_f1": metrics.macro_f1,
    }


def cut(order: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Cut ``order`` into batches of ``size``; a last batch of one joins the one before it.

    A single pair has nobody to be contrasted with, and batch normalisation cannot take it.
    """
    starts = list(range(0, len(order), size))
    if len(starts) > 1 and len(order) - starts[-1] == 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        yield order[start:end]


def best_epoch(history: Sequence[dict[str, Any]]) -> int:
    """The number of the epoch to keep: highest validation accuracy, then lowest loss, then earliest.

    Epochs of a stage that leaves the classifier alone are no candidates; there has to be another.
    """
    best = min(
        selectable(history), key=lambda e: (-e["validation"]["accuracy"], e["validation"]["loss"], e["epoch"])
    )
    return int(best["epoch"])


def selectable(history: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The epochs whose model may be kept, see ``Objective``."""
    return [entry for entry in history if entry.get("selectable", True)]


def is_over(history: Sequence[dict[str, Any]], settings: TrainingSettings) -> bool:
    """Whether training is to stop before the last epoch, by ``patience``; not before an epoch may be kept."""
    if settings.patience is None or not selectable(history):
        return False
    return len(history) - best_epoch(history) >= settings.patience


def refuse_divergence(entry: dict[str, Any]) -> None:
    """End a training whose loss is no longer a number.

    Raises:
        DivergenceError: it is not.
    """
    if not all(isfinite(part["loss"]) for part in (entry["train"], entry["validation"])):
        raise DivergenceError(
            f"the loss is not a number after epoch {entry['epoch']}; lower training.learning_rate and begin anew"
        )


def epoch_seed(seed: int, epoch: int) -> int:
    """The state of the random generator at the start of an epoch."""
    return seed * 1_000_003 + epoch


def describe(history: Sequence[dict[str, Any]]) -> str:
    """The last epoch for the progress bar: loss, second steps, validation accuracy/weighted F1, best epoch."""
    last = history[-1]
    pushed = f" step 2 {last['train']['step2']:.0%}" if "step2" in last["train"] else ""
    scores = last["validation"]
    best = f" best {best_epoch(history)}" if selectable(history) else ""
    return (
        f"loss {last['train']['loss']:.2f}{pushed}"
        f" val {scores['accuracy']:.3f}/{scores['weighted_f1']:.3f}{best}"
    )
