"""The head as one graph: it says what the model says of stored features, for every model that it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from sentipair.errors import UserError
from sentipair.export.head import Head, require_exportable
from sentipair.export.recurrence import with_padded_recurrence
from sentipair.models import list_models
from sentipair.models.persistence import ModelConfig

REFUSED = {
    "clip-ca-cg": "it reads CLIPText",
    "itin": "it reads Regions",
    "majority": "it reads neither texts nor pictures",
    "mmsd": "it reads TextLayers attributes",
    "mpt": "it reads TextLayers rationale_positive",
    "rationale-only": "it reads TextLayers rationale_positive",
}
POSTS = {"words": [5, 0, 2, 1], "pictures": [True, True, False, False]}


def config_of(name: str, **settings: Any) -> ModelConfig:
    return ModelConfig(model=name, settings=settings, classes=("a", "b", "c"), encoders={}, text_steps=())


@pytest.mark.parametrize("name", [name for name in list_models() if name not in REFUSED])
def test_every_other_model_says_the_same_with_the_rows_of_the_padding(
    name: str,
    small_model: Callable[..., Any],
    states_for: Callable[..., Any],
    ask_model: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = small_model(name)
    require_exportable(model, config_of(name))
    states = states_for(model, **POSTS)
    expected = ask_model(model, states)
    head = with_padded_recurrence(Head(model, prefix=0))
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    with torch.no_grad():
        found = head(**states)
    assert list(found) == list(expected)
    for kind, logits in expected.items():
        torch.testing.assert_close(found[kind], logits, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["logistic-regression", "late-fusion"])
def test_the_vectors_before_the_cells_are_told_apart(
    name: str, small_model: Callable[..., Any], states_for: Callable[..., Any], ask_model: Callable[..., Any]
) -> None:
    model = small_model(name)
    states = states_for(model, **POSTS)
    with torch.no_grad():
        found = Head(model, prefix=1)(**states)["logits"]
    torch.testing.assert_close(found, ask_model(model, states, prefix=1)["logits"], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(found, ask_model(model, states)["logits"], atol=1e-3)


@pytest.mark.parametrize("name", REFUSED)
def test_what_reads_something_else_is_refused(name: str, small_model: Callable[..., Any]) -> None:
    with pytest.raises(UserError, match=f"^{name} cannot be exported: {REFUSED[name]}"):
        require_exportable(small_model(name), config_of(name))


def test_published_fidelity_is_refused(small_model: Callable[..., Any]) -> None:
    config = config_of("spp-scl", fidelity="published")
    with pytest.raises(UserError, match="--fidelity sound"):
        require_exportable(small_model("spp-scl", fidelity="published"), config)
