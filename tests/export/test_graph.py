"""Graphs as files: posts and lengths of any number, the same scores, one line where it does not work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sentipair.errors import UserError
from sentipair.export import graph
from sentipair.export.graph import require_packages, write_graph
from sentipair.export.head import Head
from sentipair.export.recurrence import with_padded_recurrence
from sentipair.portable.folder import Format
from sentipair.portable.graphs import load_graph

FREE = {"text_states": (0, 1), "attention_mask": (0, 1), "image_states": (0,), "has_image": (0,)}


@pytest.mark.parametrize(
    ("name", "settings", "to"),
    [
        pytest.param("spp-scl", {"dim": 4, "hidden": 4}, "onnx", marks=pytest.mark.slow),
        ("text-cnn", {}, "onnx"),
        ("image-head", {}, "onnx"),
        ("late-fusion", {"dim": 4}, "openvino"),
    ],
)
def test_a_head_says_the_same_of_any_number_of_posts(
    name: str,
    settings: dict[str, Any],
    to: Format,
    small_model: Callable[..., Any],
    states_for: Callable[..., Any],
    ask_model: Callable[..., Any],
    tmp_path: Path,
) -> None:
    model = small_model(name, **settings)
    head = Head(model, prefix=0)
    example = states_for(model, words=[6, 6, 6], pictures=[True, True, True])
    inputs = {name: (value, FREE[name]) for name, value in example.items()}
    outputs = list(head(**example))
    write_graph(with_padded_recurrence(head), tmp_path / "head", inputs=inputs, outputs=outputs, to=to)
    suffixes = {".onnx"} if to == "onnx" else {".xml", ".bin"}
    assert {path.suffix for path in tmp_path.iterdir()} == suffixes
    run = load_graph(tmp_path, "head", to=to)
    for words, pictures in (
        ([3], [True]),
        ([0], [False]),
        ([5, 0, 2, 1], [True, True, False, False]),
        ([40, 1], [False, True]),
    ):
        states = states_for(model, words=words, pictures=pictures, seed=1)
        found = run({name: value.numpy() for name, value in states.items()})
        for logits, expected in zip(found, ask_model(model, states).values(), strict=True):
            torch.testing.assert_close(torch.from_numpy(logits), expected, atol=1e-4, rtol=1e-4)


class AsksForValues(nn.Module):
    def forward(self, numbers: Tensor) -> Tensor:
        return numbers + 1 if bool(numbers.sum() > 0) else numbers


def test_what_pytorch_cannot_trace_is_one_line(tmp_path: Path) -> None:
    inputs = {"numbers": (torch.ones(3, 2), (0,))}
    with pytest.raises(UserError, match=r"^head cannot be exported: PyTorch does not trace this model$"):
        write_graph(AsksForValues(), tmp_path / "head", inputs=inputs, outputs=["more"], to="onnx")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(graph.PACKAGES, "onnx", ("no_such_package", "numpy"))
    with pytest.raises(
        UserError, match=r'^no_such_package not installed: pip install "sentipair\[export,cpu\]"$'
    ):
        require_packages("onnx")
