"""Running an exported graph with onnxruntime or OpenVINO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentipair.errors import UserError
from sentipair.portable.folder import SUFFIX, Format

Arrays = Mapping[str, NDArray[Any]]
Graph = Callable[[Arrays], list[NDArray[np.float32]]]
"""Inputs by name → outputs in the order of the graph."""


def load_graph(folder: Path, name: str, *, to: Format) -> Graph:
    """The graph ``name`` in ``folder``, on the CPU in single precision.

    Raises:
        UserError: the file or what runs it is missing, or the file is damaged.
    """
    path = folder / f"{name}{SUFFIX[to]}"
    if not path.is_file():
        raise UserError(f"the exported model in {folder} lacks {path.name}; export it again")
    try:
        return _onnx(path) if to == "onnx" else _openvino(path)
    except ImportError as error:
        package = "onnxruntime" if to == "onnx" else "openvino"
        raise UserError(f"{folder} needs {package}: pip install {package}") from error
    except Exception as error:  # both libraries have kinds of their own
        raise UserError(f"{path} is damaged ({type(error).__name__}); export the model again") from error


def _onnx(path: Path) -> Graph:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, dict(inputs))


def _openvino(path: Path) -> Graph:
    import openvino

    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(inputs: Arrays) -> list[NDArray[np.float32]]:
        results = compiled(dict(inputs))
        return [results[output].copy() for output in compiled.outputs]

    return run
