"""Engines keep order, answer alike and are chosen without loading weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sentipair.encoders import choose_engine
from sentipair.encoders.engines import EngineChoice, TorchEngine, split_batches
from sentipair.errors import UserError


class Scale(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 3 + 1


@pytest.mark.parametrize("name", ["torch", "openvino"])
@pytest.mark.parametrize("threads", [1, 2])
def test_batches_come_back_in_order(name: str, threads: int) -> None:
    if name == "openvino":
        pytest.importorskip("openvino", reason='pip install "sentipair[cpu]"')
    torch.set_num_threads(threads)
    try:
        engine = EngineChoice(name, "f32").compile(Scale(), (torch.zeros(2, 4),))  # type: ignore[arg-type]
    finally:
        torch.set_num_threads(1)
    batches = [torch.full((rows, 4), float(i)) for i, rows in enumerate([3, 1, 2, 2, 5, 1, 1])]
    outputs = list(engine.run((x,) for x in batches))
    assert len(outputs) == len(batches)
    for x, y in zip(batches, outputs, strict=True):
        assert y.dtype == np.float16
        np.testing.assert_array_equal(y, (x * 3 + 1).numpy())
    assert list(engine.run([])) == []


class SmallMemory(nn.Module):
    """Counts what goes through it; more than three rows at a time are too many, or even one."""

    def __init__(self, most: int = 3) -> None:
        super().__init__()
        self.most, self.seen = most, list[int]()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.seen.append(len(x))
        return x + y


def test_a_batch_that_the_memory_cannot_hold_goes_through_in_parts() -> None:
    network = SmallMemory()
    x, y = torch.arange(20.0).view(10, 2), torch.ones(10, 2)
    outputs = list(TorchEngine(network).run([(x, y), (x[:2], y[:2])]))
    np.testing.assert_array_equal(outputs[0], (x + y).numpy())
    np.testing.assert_array_equal(outputs[1], (x + y)[:2].numpy())
    assert network.seen == [3, 2, 3, 2, 2]
    with pytest.raises(UserError, match="memory is too small for this encoder"):
        list(TorchEngine(SmallMemory(0)).run([(x, y)]))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "that are no numbers"),
        (float("inf"), "half precision cannot hold"),
        (7e4, "half precision cannot hold"),
        (-7e4, "half precision cannot hold"),
    ],
)
def test_values_beyond_half_precision_are_not_stored(value: float, expected: str) -> None:
    engine = EngineChoice("torch", "f32").compile(nn.Identity(), (torch.zeros(1, 2),))
    with pytest.raises(UserError, match=expected):
        list(engine.run([(torch.tensor([[1.0, value]]),)]))
    (fits,) = engine.run([(torch.tensor([[-65504.0, 1e-3]]),)])
    assert np.isfinite(fits).all()


def test_auto_without_openvino_is_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentipair.encoders.engines.find_spec", lambda _: None)
    assert choose_engine("auto") == EngineChoice("torch", "f32")
    with pytest.raises(UserError, match=r'pip install "sentipair\[cpu\]"'):
        choose_engine("openvino")


@pytest.mark.parametrize(
    ("capabilities", "precision"), [(["FP32", "BF16", "INT8"], "bf16"), (["FP32", "FP16", "INT8"], "f32")]
)
def test_bf16_only_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: list[str], precision: str
) -> None:
    openvino = pytest.importorskip("openvino", reason='pip install "sentipair[cpu]"')

    class Core:
        def get_property(self, device: str, name: str) -> list[str]:
            assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
            return capabilities

    monkeypatch.setattr(openvino, "Core", Core)
    assert choose_engine("openvino").precision == precision


def test_a_gpu_goes_through_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_engine("auto") == EngineChoice("torch", "f32")


def test_split_batches() -> None:
    assert [list(group) for group in split_batches(range(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(split_batches([], 3)) == []
