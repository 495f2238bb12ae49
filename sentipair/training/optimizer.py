"""The optimiser of a run: which parameters it has, their learning rates, what happens to gradients before an update."""

from __future__ import annotations

from math import cos, pi

import torch

from sentipair.devices import add_up, processes
from sentipair.models import PairModel
from sentipair.models.finetuned import FineTuned
from sentipair.training.config import TrainingSettings


def make_optimizer(model: PairModel, settings: TrainingSettings) -> torch.optim.AdamW:
    """AdamW over the model's own parameters and, as a second group, those of encoder layers that are part of it.

    Before an update it adds up the gradients of several processes and clips them, where the settings ask for that.
    """
    tuned = [part for part in model.modules() if isinstance(part, FineTuned)]
    encoder = [parameter for part in tuned for parameter in part.tops.parameters()]
    taken = {id(parameter) for parameter in encoder}
    own = [parameter for parameter in model.parameters() if id(parameter) not in taken]
    groups = [{"params": group} for group in (own, encoder) if group]
    optimizer = torch.optim.AdamW(
        groups, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )

    def before_update(*_: object) -> None:
        if processes() > 1:
            add_up(encoder)
        if settings.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_([*own, *encoder], settings.clip_norm)

    optimizer.register_step_pre_hook(before_update)
    return optimizer


def set_learning_rates(
    optimizer: torch.optim.Optimizer, settings: TrainingSettings, epochs_done: float
) -> None:
    """Bring the groups of ``make_optimizer`` to their learning rates after a (fractional) number of epochs."""
    peaks = (settings.learning_rate, settings.encoder_learning_rate)
    for group, peak in zip(optimizer.param_groups, peaks, strict=False):
        group["lr"] = learning_rate(settings, epochs_done, peak=peak)


def learning_rate(settings: TrainingSettings, epochs_done: float, *, peak: float) -> float:
    """The learning rate after a (fractional) number of epochs, where the schedule's highest is ``peak``."""
    warm = settings.warmup * settings.epochs
    if epochs_done < warm:
        peak *= epochs_done / warm
    if settings.schedule == "cosine":
        return peak * 0.5 * (1 + cos(pi * epochs_done / settings.epochs))
    return peak * settings.gamma ** (int(epochs_done) // settings.step_size)
