"""Influence by hidden features and by gradients: a model with known weights, and the axiom of completeness."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from sentipair.data.pair import Pair, Post
from sentipair.encoders import Encoders
from sentipair.errors import UserError
from sentipair.explain import explain, gradients
from sentipair.explain.feature_occlusion import feature_occlusion
from sentipair.explain.gradients import emptied, integrated_gradients
from sentipair.explain.positions import probability
from sentipair.features import FeatureSpec, ImageGrid, PairBatch, TextLayers
from sentipair.inference import Predictor
from sentipair.inference.encoded import PostEncoder
from sentipair.models import PairModel, PairOutput, model_class
from sentipair.models.persistence import ModelConfig

POST = Post(
    id="a", text="an unbelievably good day", opened=Image.linear_gradient("L").convert("RGB").rotate(30)
)
CLASSES = ("positive", "neutral", "negative")


class Linear(PairModel):
    """p(first class) = 1/3 + w · (every token) + v · (every cell)."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.word, self.cell = (
            1e-3 * torch.randn(size, generator=generator) / size**0.5 for size in (384, 1280)
        )

    @property
    def requires(self) -> Sequence[FeatureSpec[Any]]:
        return [TextLayers(last=1), ImageGrid()]

    def parts(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        words = (batch["text"][:, :, 0].float() @ self.word) * batch["text_mask"]  # (B, N)
        return words, (batch["grid"].float() @ self.cell) * batch["grid_mask"]  # (B, N), (B, R)

    def forward(self, batch: PairBatch) -> PairOutput:
        words, cells = self.parts(batch)
        first = 1 / 3 + words.sum(1) + cells.sum(1)  # (B)
        rest = (1 - first) / 2
        attention = {"words": torch.ones(words.shape), "gate": torch.full((len(batch), 2), 0.5)}
        return PairOutput(logits=torch.stack([first, rest, rest], dim=1).log(), attention=attention)


@pytest.fixture(scope="module")
def encoders() -> Encoders:
    return Encoders(engine="torch")


def predictor_of(model: PairModel, encoders: Encoders, **settings: Any) -> Predictor:
    config = ModelConfig(model="", settings=settings, classes=CLASSES, encoders={}, text_steps=())
    predictor = Predictor(model.eval(), config, engine="torch")
    predictor.encode = PostEncoder(model.requires, encoders)  # loaded once for all tests
    return predictor


@pytest.fixture(scope="module")
def linear(encoders: Encoders) -> Predictor:
    return predictor_of(Linear(), encoders)


def known(predictor: Predictor, post: Pair) -> tuple[list[float], list[float]]:
    """What tokens and cells add, by the model's weights."""
    words, cells = predictor.model.parts(predictor.encode([post]).batch())
    return words[0].tolist(), cells[0].tolist()


def test_hidden_features_have_their_weight(linear: Predictor) -> None:
    tokens, cells = known(linear, POST)
    spans = linear.encode.columns[0][1].encoder.spans(POST.text)
    assert len(spans) > 4  # a word of several tokens
    found = feature_occlusion(linear, POST, "positive")
    expected = [
        sum(
            value for value, (start, end) in zip(tokens, spans, strict=True) if first <= start and end <= last
        )
        for first, last in ((0, 2), (3, 15), (16, 20), (21, 24))
    ]
    assert [word.influence for word in found.words] == pytest.approx(expected, abs=1e-6)
    assert [region.influence for region in found.regions] == pytest.approx(cells, abs=1e-6)
    assert max(map(abs, expected)) > 1e-4


def test_gradients_find_the_weights_too(linear: Predictor) -> None:
    tokens, cells = known(linear, POST)
    start = emptied(linear, linear.encode([POST]).batch())
    assert not torch.equal(start["grid"], linear.encode([POST]).batch()["grid"].float())
    nothing = (
        float(start["text"][0, 0, 0] @ linear.model.word),
        (start["grid"][0] @ linear.model.cell).tolist(),
    )
    found = integrated_gradients(linear, POST, "positive")
    assert sum(word.influence for word in found.words) == pytest.approx(
        sum(tokens) - len(tokens) * nothing[0], abs=1e-5
    )
    expected = [cell - empty for cell, empty in zip(cells, nothing[1], strict=True)]
    assert [region.influence for region in found.regions] == pytest.approx(expected, abs=1e-6)
    assert found.unplaced == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "settings", "steps"),
    [
        ("late-fusion", {}, 512),
        ("logistic-regression", {}, 16),
        ("spp-scl", {}, 64),
        ("spp-scl", {"fidelity": "published"}, 64),
    ],
)
def test_gradients_are_complete(
    encoders: Encoders, monkeypatch: pytest.MonkeyPatch, name: str, settings: dict[str, Any], steps: int
) -> None:
    monkeypatch.setattr(gradients, "STEPS", steps)
    torch.manual_seed(0)
    model = model_class(name)(classes=3, text_dim=384, image_dim=1280, **settings)
    predictor = predictor_of(model, encoders, **settings)
    batch = predictor.encode([POST]).batch()
    start = emptied(predictor, batch)
    empty = PairBatch(ids=("",), labels=batch.labels, features={**batch.features, **start})
    with torch.inference_mode():
        difference = float(
            probability(predictor, batch, "positive") - probability(predictor, empty, "positive")
        )
    found = integrated_gradients(predictor, POST, "positive")
    placed = sum(part.influence for part in (*found.words, *found.regions))
    assert abs(difference) > 1e-4
    assert placed + found.unplaced == pytest.approx(difference, abs=0.02 * abs(difference) + 1e-5)


@pytest.mark.parametrize("method", ["feature-occlusion", "integrated-gradients", "occlusion"])
def test_half_a_post_or_none(linear: Predictor, method: Any) -> None:
    nothing = explain(linear, Pair(id="a"), method=method)
    assert (nothing.words, nothing.regions) == ((), ())
    (word,) = explain(linear, Pair(id="a", text="good"), method=method).words
    assert word.text == "good"
    assert word.influence != 0
    picture = explain(linear, Post(id="a", opened=POST.opened), method=method)
    assert picture.words == ()
    assert len(picture.regions) == 49


@pytest.mark.parametrize("method", ["feature-occlusion", "integrated-gradients", "occlusion"])
def test_the_same_again(linear: Predictor, method: Any) -> None:
    pair = Pair(id="a", text=POST.text)
    assert explain(linear, pair, method=method) == explain(linear, pair, method=method)


def test_words_beyond_what_the_encoder_reads_have_no_influence(linear: Predictor) -> None:
    words = feature_occlusion(linear, Pair(id="a", text="unbelievably " * 120), "positive").words
    assert len(words) == 120
    assert words[0].influence != 0
    assert words[-1].influence == pytest.approx(0, abs=1e-7)


def test_an_explanation_as_plain_values(linear: Predictor) -> None:
    plain = explain(linear, POST, method="feature-occlusion", target="negative").to_dict()
    assert (plain["target"], plain["method"]) == ("negative", "feature-occlusion")
    assert plain["label"] == plain["prediction"]["label"]
    assert [word["text"] for word in plain["words"]] == POST.text.split()
    assert plain["regions"][0].keys() == {"box", "influence"}
    assert plain["attention"]["words"][0] == [0, 2, 1.0]
    assert plain["attention"]["weights"] == {"gate": [0.5, 0.5]}


def test_wrong_wishes_are_told(linear: Predictor) -> None:
    with pytest.raises(UserError, match="no class 'joy'; the model knows positive, neutral, negative"):
        explain(linear, POST, target="joy")
    with pytest.raises(UserError, match="no method 'magic'; use occlusion"):
        explain(linear, POST, method="magic")  # type: ignore[arg-type]


def test_without_captum_the_error_names_the_extra(linear: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("captum"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r'pip install "sentipair\[explain\]"'):
        integrated_gradients(linear, POST, "positive")
