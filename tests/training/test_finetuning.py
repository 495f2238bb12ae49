"""Training with layers of an encoder: rates of their own, warm-up, clipping, going on after a stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sentipair.cli.train import layers_to_train
from sentipair.errors import UserError
from sentipair.models import LogisticRegression
from sentipair.models.finetuned import FineTuned
from sentipair.objectives import CrossEntropy
from sentipair.training.config import TrainingSettings
from sentipair.training.loop import fit
from sentipair.training.optimizer import learning_rate, make_optimizer
from sentipair.training.recipes import configure, load_finetuning

ENCODERS = {"text": "all-MiniLM-L6-v2", "image": "efficientnet-lite0"}


@pytest.fixture(scope="module")
def model() -> Callable[[], FineTuned]:
    """A logistic regression with the last layer of MiniLM, fresh at every call."""

    def build() -> FineTuned:
        torch.manual_seed(0)
        inner = LogisticRegression(text_dim=384, image_dim=12)
        tuned = FineTuned(inner, layers={"text": 1}, encoders=ENCODERS)
        tuned.load_pretrained()
        return tuned

    return build


@pytest.fixture
def lower_table(random_table: Any) -> Callable[..., Any]:
    """A random table with the states that MiniLM's last layer reads."""

    def build(count: int, seed: int) -> Any:
        table = random_table(count, seed=seed)
        table.text = table.text[:, :, :1].repeat(1, 1, 1, 48)
        table.cls = table.text[:, 0]
        batch = table.batch

        def with_ends(rows: Any) -> Any:
            part = batch(rows)
            image = torch.zeros(len(part), 12)
            present = torch.zeros(len(part), dtype=torch.bool)
            part.features.update(text_sep=part["text_cls"], image=image, image_present=present)
            return part

        table.batch = with_ends
        return table

    return build


def test_layers_of_an_encoder_have_a_learning_rate_of_their_own(
    model: Any, lower_table: Any, tmp_path: Path
) -> None:
    rates: list[list[float]] = []

    class Spy(CrossEntropy):
        def step(self, model: Any, batch: Any, optimizer: Any) -> dict[str, float]:
            rates.append([group["lr"] for group in optimizer.param_groups])
            return super().step(model, batch, optimizer)

    settings = TrainingSettings(
        epochs=2, batch_size=8, learning_rate=0.01, encoder_learning_rate=1e-4, schedule="cosine", warmup=0.5
    )
    table = lower_table(16, 0)
    run = {"train": table, "validation": table, "classes": ("a", "b", "c"), "seed": 0, "folder": tmp_path}
    fit(model(), Spy(), settings=settings, **run)
    own, encoder = zip(*rates, strict=True)
    assert encoder == pytest.approx([rate / 100 for rate in own])
    assert own[0] == 0 < own[1] < own[2] > own[3] > 0


def test_warmup_rises_in_a_line_and_then_the_schedule_goes_on_as_without() -> None:
    plain = TrainingSettings(epochs=10, schedule="cosine")
    warm = plain.model_copy(update={"warmup": 0.2})
    for done in (0.0, 0.5, 1.0, 1.9):
        expected = learning_rate(plain, done, peak=3.0) * done / 2
        assert learning_rate(warm, done, peak=3.0) == pytest.approx(expected)
    for done in (2.0, 5.5, 10.0):
        assert learning_rate(warm, done, peak=3.0) == learning_rate(plain, done, peak=3.0)


def test_the_gradient_is_clipped_over_all_parameters_and_only_if_asked_for(model: Any) -> None:
    tuned = model()
    for norm in (None, 0.5):
        optimizer = make_optimizer(tuned, TrainingSettings(clip_norm=norm))
        for parameter in tuned.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        total = torch.cat([parameter.grad.flatten() for parameter in tuned.parameters()]).norm().item()
        expected = sum(p.numel() for p in tuned.parameters()) ** 0.5 if norm is None else norm
        assert total == pytest.approx(expected, rel=1e-2)


def test_every_parameter_is_in_one_group(model: Any) -> None:
    tuned = model()
    own, encoder = (group["params"] for group in make_optimizer(tuned, TrainingSettings()).param_groups)
    assert {id(p) for p in own} == {id(p) for p in tuned.model.parameters()}
    assert {id(p) for p in encoder} == {id(p) for p in tuned.tops.parameters()}
    assert len(own) + len(encoder) == len(list(tuned.parameters()))


def test_going_on_after_a_stop_equals_an_undisturbed_run(
    model: Any, lower_table: Any, tmp_path: Path, stopped_after: Any
) -> None:
    settings = TrainingSettings(epochs=3, batch_size=8, schedule="cosine", warmup=0.2, clip_norm=1.0)

    def run(name: str) -> None:
        tables = {"train": lower_table(20, 1), "validation": lower_table(6, 2)}
        fit(
            model(),
            CrossEntropy(),
            **tables,
            classes=("a", "b", "c"),
            settings=settings,
            seed=0,
            folder=tmp_path / name,
        )

    run("undisturbed")
    with stopped_after(2):
        run("stopped")
    run("stopped")
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("stopped", "undisturbed")]
    assert weights[0] == weights[1]


def test_fine_tuning_has_settings_of_its_own_and_wishes_come_last() -> None:
    wishes = [*layers_to_train(["text:4", "image:1"]), "training.epochs=2"]
    config = configure("logistic-regression", "posts.csv", overrides=wishes)
    assert config.plugins.finetune == {"text": 4, "image": 1}
    expected = TrainingSettings(**{**load_finetuning(), "epochs": 2}).model_dump()
    found = config.training.model_dump()
    assert {name: found[name] for name in load_finetuning()} == {
        name: expected[name] for name in load_finetuning()
    }
    plain = configure("logistic-regression", "posts.csv", overrides=layers_to_train([]))
    assert plain.plugins.finetune == {}
    assert (plain.training.warmup, plain.training.clip_norm) == (0.0, None)
    assert plain.training.epochs == 20


@pytest.mark.parametrize(
    ("wish", "expected"),
    [("audio:1", "plugins.finetune.audio"), ("text:0", "plugins.finetune.text"), ("text", "finetune.text")],
)
def test_a_wrong_wish_is_one_line(wish: str, expected: str) -> None:
    with pytest.raises(UserError) as error:
        configure("logistic-regression", "posts.csv", overrides=layers_to_train([wish]))
    assert expected in str(error.value)
    assert "\n" not in str(error.value)
