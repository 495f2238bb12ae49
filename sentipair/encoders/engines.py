"""How a frozen network is run: plain PyTorch, or OpenVINO in the fastest precision that this processor has.

Every engine keeps the order of its batches and is a pure function of each batch, so the bytes in the feature store do
not depend on how the work was interrupted. ``TOLERANCE`` bounds the relative error ‖y − y₃₂‖ / ‖y₃₂‖ over a batch
against PyTorch in single precision (tested); ``lite0.py`` states that of its own narrow network.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentipair.encoders.loading import quiet
from sentipair.errors import UserError

EngineName = Literal["auto", "torch", "openvino"]
TOLERANCE = {"f32": 1e-4, "bf16": 2e-2}


class Engine(Protocol):
    """A compiled network; ``precision`` is a key of ``TOLERANCE``."""

    name: str
    precision: str

    def run(self, batches: Iterable[tuple[Tensor, ...]]) -> Iterator[NDArray[np.float16]]:
        """Yield the network's output for each batch of inputs, in order, in half precision."""
        ...


class TorchEngine:
    """PyTorch in single precision, on the first GPU where there is one."""

    name = "torch"
    precision = "f32"

    def __init__(self, network: nn.Module) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = network.eval().to(self.device)
        torch.backends.cudnn.allow_tf32 = False  # its convolutions would have the error of half precision

    @torch.inference_mode()
    def run(self, batches: Iterable[tuple[Tensor, ...]]) -> Iterator[NDArray[np.float16]]:
        """Yield the network's output for each batch of inputs, in order, in half precision."""
        for batch in batches:
            yield to_half(self._states(batch).numpy())

    def _states(self, batch: tuple[Tensor, ...]) -> Tensor:
        """The network's output for a batch, in halves where the GPU's memory is too small for the whole."""
        try:
            states: Tensor = self.network(*(x.to(self.device) for x in batch)).cpu()
            return states
        except torch.OutOfMemoryError as error:
            size = len(batch[0])
            if size == 1:
                raise UserError(
                    "the GPU's memory is too small for this encoder; end what else runs there, or hide the GPU: "
                    "CUDA_VISIBLE_DEVICES= sentipair …"
                ) from error
        torch.cuda.empty_cache()  # out here nothing holds on to what the whole batch took
        parts = zip(*(x.split(-(-size // 2)) for x in batch), strict=True)
        return torch.cat([self._states(part) for part in parts])


class OpenVINOEngine:
    """OpenVINO on the CPU in the given precision."""

    name = "openvino"

    def __init__(self, network: nn.Module, example: tuple[Tensor, ...], precision: str) -> None:
        import openvino

        self.precision = precision
        core = openvino.Core()
        with warnings.catch_warnings(), quiet(), torch.no_grad():
            warnings.simplefilter("ignore")  # the tracer warns of constants that are meant to be constants
            # traced here, as OpenVINO would trace it twice to compare
            traced = torch.jit.trace(network.eval(), example, check_trace=False)
            model = openvino.convert_model(traced, example_input=example)
        threads = torch.get_num_threads()
        self.streams = threads
        self.compiled = core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": self.precision,
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": self.streams,
                "PERFORMANCE_HINT": "THROUGHPUT",
            },
        )

    def run(self, batches: Iterable[tuple[Tensor, ...]]) -> Iterator[NDArray[np.float16]]:
        """Yield the network's output for each batch of inputs, in order, in half precision."""
        requests = [
            self.compiled.create_infer_request() for _ in range(self.streams + 1)
        ]  # one more waits its turn
        waiting: list[int] = []  # requests under way, oldest first
        for index, batch in enumerate(batches):
            slot = index % len(requests)
            if len(waiting) == len(requests):
                yield self._collect(requests[waiting.pop(0)])
            requests[slot].start_async([x.numpy() for x in batch])
            waiting.append(slot)
        for slot in waiting:
            yield self._collect(requests[slot])

    @staticmethod
    def _collect(request: object) -> NDArray[np.float16]:
        request.wait()  # type: ignore[attr-defined]
        output: NDArray[np.float32] = request.get_output_tensor(0).data  # type: ignore[attr-defined]
        return to_half(output)


def to_half(output: NDArray[np.float32]) -> NDArray[np.float16]:
    """``output`` in half precision.

    Raises:
        UserError: a value is not a number, or beyond ±65,504.
    """
    largest = np.abs(output).max(initial=0)
    if not largest <= np.finfo(np.float16).max:
        what = "that are no numbers" if np.isnan(largest) else "that half precision cannot hold"
        raise UserError(f"the encoder gives values {what}; check its weights or choose another")
    return torch.from_numpy(output).half().numpy()  # many times faster than numpy's conversion


@dataclass(frozen=True)
class EngineChoice:
    """A decided engine: its name and the precision it computes in."""

    name: Literal["torch", "openvino"]
    precision: Literal["f32", "bf16"]

    def compile(self, network: nn.Module, example: tuple[Tensor, ...]) -> Engine:
        """Prepare ``network`` for inference; ``example`` is one batch of inputs for the tracer."""
        if self.name == "torch":
            return TorchEngine(network)
        return OpenVINOEngine(network, example, self.precision)


def choose_engine(name: EngineName = "auto") -> EngineChoice:
    """Decide for this machine, without loading any weights.

    ``auto`` takes a GPU through PyTorch where there is one, else OpenVINO where it is installed, else PyTorch. OpenVINO
    computes in bf16 where the processor has the units for it, else in single precision.

    Raises:
        UserError: OpenVINO was asked for and is not installed.
    """
    if name == "auto":
        name = "openvino" if find_spec("openvino") and not torch.cuda.is_available() else "torch"
    if name == "torch":
        return EngineChoice("torch", "f32")
    if not find_spec("openvino"):
        raise UserError('the openvino engine is not installed: pip install "sentipair[cpu]"')
    import openvino

    capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return EngineChoice("openvino", "bf16" if "BF16" in capabilities else "f32")


def split_batches(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Cut ``items`` into runs of at most ``size``."""
    return (items[start : start + size] for start in range(0, len(items), size))
