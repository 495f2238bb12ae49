"""Fine-tuned layers around real small encoders: what they compute, and that a pair depends on nothing around it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sentipair.data import Pair
from sentipair.encoders import Encoders
from sentipair.errors import UserError
from sentipair.features import FeatureStore, FeatureTable, ImageGrid, ImageVector, PairBatch, TextLayers
from sentipair.inference import Predictor
from sentipair.models import SPPSCL, LogisticRegression, PairModel, PairOutput
from sentipair.models.finetuned import FineTuned
from sentipair.models.persistence import ModelConfig, load_model, save_config, save_weights
from sentipair.objectives import CrossEntropy

from .cases import other_numbers_behind_masks, take, tensors

ENCODERS = {"text": "all-MiniLM-L6-v2", "image": "efficientnet-lite0"}
DIMS = {"classes": 3, "text_dim": 384, "image_dim": 1280}


class Echo(PairModel):
    """Keeps what it is given."""

    requires = (TextLayers(last=4), ImageGrid(), ImageVector())

    def forward(self, batch: PairBatch) -> PairOutput:
        self.seen = batch
        return PairOutput(logits=torch.zeros(len(batch), 3))


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    """Five posts; the second has no text, the third no picture, the fourth neither."""
    folder = tmp_path_factory.mktemp("posts")
    pictures = [folder / f"{number}.png" for number in range(3)]
    for number, picture in enumerate(pictures):
        noise = np.random.default_rng(number).integers(0, 256, (14, 14, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((224, 224)).save(picture)
    return [
        Pair(id="both", text="what a day, friends!", image=pictures[0], label="a"),
        Pair(id="no text", text="", image=pictures[1], label="b"),
        Pair(id="no picture", text="rain " * 30, image=None, label="c"),
        Pair(id="neither", text="", image=None, label="a"),
        Pair(id="also both", text="meh", image=pictures[2], label="b"),
    ]


def fine_tuned(model: PairModel, **layers: int) -> FineTuned:
    wrapped = FineTuned(model, layers=layers, encoders=ENCODERS)  # type: ignore[arg-type]
    wrapped.load_pretrained()
    return wrapped.eval()


@pytest.fixture(scope="module")
def batch_of(posts: list[Pair], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a model requires of the posts, extracted once."""
    store = FeatureStore(tmp_path_factory.mktemp("store"))
    encoders = Encoders(engine="torch")

    def batch(model: PairModel) -> PairBatch:
        table = FeatureTable(
            posts, classes=("a", "b", "c"), specs=model.requires, encoders=encoders, store=store
        )
        return table.batch(range(len(posts)))

    return batch


@pytest.mark.parametrize(
    "layers", [{"text": 2}, {"text": 4}, {"text": 6}, {"image": 1}, {"text": 1, "image": 2}]
)
def test_untouched_layers_give_the_features_of_the_whole_encoder(
    layers: Mapping[str, int], batch_of: Any
) -> None:
    echo = Echo()
    expected = batch_of(echo)
    wrapped = fine_tuned(echo, **layers)
    with torch.no_grad():
        wrapped(batch_of(wrapped))
    for name, value in expected.features.items():
        found = echo.seen[name]
        assert found.shape == value.shape, name
        if value.dtype == torch.bool:
            assert torch.equal(found, value), name
            continue
        mask = expected.features.get(f"{name}_mask", torch.ones(len(expected), dtype=torch.bool))
        found, value = found[mask].float(), value[mask].float()
        assert (found - value).norm() < 5e-3 * value.norm(), name  # two roundings to half precision
    assert not echo.seen["grid_mask"][2:4].any()
    assert not echo.seen["image"][2:4].any()


@pytest.mark.parametrize("inner", [LogisticRegression, SPPSCL])
def test_a_pair_depends_on_nothing_around_it(inner: type[PairModel], batch_of: Any) -> None:
    torch.manual_seed(0)
    model = fine_tuned(inner(**DIMS), text=2, image=1)
    batch = batch_of(model)
    with torch.no_grad():
        usual = tensors(model(batch))
        alone = [tensors(model(take(batch, [i]))) for i in range(len(batch))]
        changed = [tensors(model(each)) for each in (batch.padded(50), other_numbers_behind_masks(batch))]
    for name, value in usual.items():
        assert value.isfinite().all()
        torch.testing.assert_close(torch.cat([each[name] for each in alone]), value, rtol=1e-4, atol=1e-4)
        for other in changed:
            torch.testing.assert_close(other[name], value, rtol=1e-4, atol=1e-4)


def test_the_layers_learn_with_the_model(batch_of: Any) -> None:
    torch.manual_seed(0)
    model = fine_tuned(SPPSCL(**DIMS), text=2, image=1).train()
    batch = batch_of(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    CrossEntropy().step(model, batch, optimizer)
    still = [
        name
        for name, parameter in model.tops.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert all(name.endswith("key.bias") for name in still)  # it shifts all scores of a query alike
    after = model.state_dict()
    statistics = [name for name in after if "running" in name]
    assert statistics
    assert all(torch.equal(after[name], before[name]) for name in statistics)


def test_without_any_picture_the_update_is_finite(batch_of: Any) -> None:
    model = fine_tuned(LogisticRegression(**DIMS), image=1).train()
    batch = take(batch_of(model), [2, 3])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    CrossEntropy().step(model, batch, optimizer)
    assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_a_saved_model_is_loaded_without_the_weights_of_the_encoder(
    posts: list[Pair], batch_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = {"finetune": {"layers": {"text": 2, "image": 1}, "encoders": ENCODERS}}
    config = ModelConfig(
        model="spp-scl",
        settings=DIMS,
        classes=("a", "b", "c"),
        encoders=ENCODERS,
        text_steps=(),
        plugins=plugins,
    )
    assert all(p.is_meta for p in config.build().tops.parameters())  # type: ignore[attr-defined]
    model = config.build(pretrained=True).eval()
    batch = batch_of(model)
    for parameter in model.parameters():
        parameter.data += 0.01
    save_config(tmp_path, config)
    save_weights(tmp_path, model)
    monkeypatch.setattr("sentipair.encoders.text.load_network", None)
    monkeypatch.setattr("sentipair.encoders.lite0.torch.load", None)
    loaded, found = load_model(tmp_path)
    assert found == config
    with torch.no_grad():
        assert torch.equal(loaded(batch).logits, model(batch).logits)
        expected = model(batch).logits.softmax(-1)
    monkeypatch.undo()
    predictor = Predictor(loaded, found, engine="torch")
    scored = [list(prediction.probabilities.values()) for prediction in predictor.predict(posts)]
    torch.testing.assert_close(torch.tensor(scored), expected, rtol=1e-3, atol=1e-3)


def test_what_cannot_be_fine_tuned_is_one_line() -> None:
    with pytest.raises(UserError, match="does not read the image encoder; leave out --finetune image"):
        FineTuned(SPPSCL(modalities="text"), layers={"image": 1}, encoders=ENCODERS)
    with pytest.raises(UserError, match="reads padding cannot be fine-tuned; use --fidelity sound"):
        FineTuned(SPPSCL(fidelity="published"), layers={"text": 1}, encoders=ENCODERS)
    with pytest.raises(UserError, match="has 6 layers, 7 are to be fine-tuned"):
        FineTuned(SPPSCL(), layers={"text": 7}, encoders=ENCODERS)
