"""A network as an ONNX or OpenVINO file."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from sentipair.encoders.loading import quiet
from sentipair.errors import UserError
from sentipair.portable.folder import SUFFIX, Format

PACKAGES: Mapping[Format, Sequence[str]] = {
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "openvino": ("onnx", "onnxscript", "openvino"),
}

Inputs = Mapping[str, tuple[Tensor, Sequence[int]]]
"""Name of an argument → an example with at least two of everything, and its dimensions of any size."""


def require_packages(to: Format) -> None:
    """Check that what writes and runs the files is installed.

    Raises:
        UserError: it is not.
    """
    lacking = [name for name in PACKAGES[to] if find_spec(name) is None]
    if lacking:
        raise UserError(f'{" and ".join(lacking)} not installed: pip install "sentipair[export,cpu]"')


def write_graph(
    network: nn.Module,
    path: Path,
    *,
    inputs: Inputs,
    outputs: Sequence[str],
    to: Format,
) -> None:
    """Write ``network`` to ``path``, whose suffix is replaced by that of the format.

    Args:
        network: in evaluation mode.
        path: where to.
        inputs: examples for the tracer.
        outputs: names.
        to: the format.

    Raises:
        UserError: PyTorch cannot trace the network.
    """
    onnx = path.with_suffix(SUFFIX["onnx"])
    with _quiet_exporter(), torch.no_grad():
        try:
            torch.onnx.export(
                network.eval(),
                (),
                onnx,
                kwargs={name: example for name, (example, _) in inputs.items()},
                dynamo=True,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes={
                    name: dict.fromkeys(free, torch.export.Dim.DYNAMIC) for name, (_, free) in inputs.items()
                },
                external_data=False,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise UserError(f"{path.stem} cannot be exported: PyTorch does not trace this model") from error
    if to == "openvino":
        convert_to_openvino(onnx)


def convert_to_openvino(onnx: Path) -> None:
    """Replace an ONNX file by OpenVINO's two, in single precision."""
    import openvino

    openvino.save_model(
        openvino.convert_model(onnx), onnx.with_suffix(SUFFIX["openvino"]), compress_to_fp16=False
    )
    onnx.unlink()


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Silence what the exporter tells its developers."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
