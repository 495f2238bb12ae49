"""A predictor that answers at once, the application around it, and a real server process around the shipped model."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from sentipair.data.images import UnreadableImageError, open_image
from sentipair.data.pair import Pair
from sentipair.inference import Prediction
from sentipair.serving.app import create_app

MAIN = "from sentipair.cli import main; main()"


class EchoPredictor:
    """Knows of a post how long its text is, and whether its picture can be opened."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def predict(self, pairs: Sequence[Pair]) -> list[Prediction]:
        time.sleep(self.seconds)
        return [self.one(pair) for pair in pairs]

    def one(self, pair: Pair) -> Prediction:
        if pair.text == "defect":
            raise RuntimeError("the model failed")
        unusable = None
        try:
            size = 0 if pair.picture is None else open_image(pair.picture).width
        except UnreadableImageError as error:
            unusable, size = str(error), 0
        probabilities = {"positive": float(len(pair.text)), "neutral": float(size)}
        return Prediction(label="positive", probabilities=probabilities, confidence=1.0, unusable=unusable)


@pytest.fixture
def client_of() -> Iterator[Callable[..., TestClient]]:
    """``client_of(seconds=0.0, **settings of create_app)``: a client of a running application."""
    clients: list[TestClient] = []

    def build(*, seconds: float = 0.0, **settings: Any) -> TestClient:
        app = create_app(EchoPredictor(seconds=seconds), **settings)  # type: ignore[arg-type]
        client = TestClient(app, raise_server_exceptions=False)
        clients.append(client)
        return client.__enter__()

    yield build
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(client_of: Callable[..., TestClient]) -> TestClient:
    return client_of()


@pytest.fixture(scope="session")
def png() -> bytes:
    """A picture, 40 pixels wide."""
    buffer = BytesIO()
    Image.new("RGB", (40, 30), "orange").save(buffer, "PNG")
    return buffer.getvalue()


class ServerProcess:
    """``sentipair serve`` as a process of its own."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-c", MAIN, "serve", "--engine", "torch", "--port", "0", *options]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert "listens on" in line, line + self.process.stderr.read()
        self.url = line.split("listens on ")[1].split(";")[0]
        self.address = ("127.0.0.1", int(self.url.rsplit(":", 1)[1]))

    def stop(self) -> str:
        """End it, and give the rest of what it said."""
        self.process.terminate()
        return self.process.communicate(timeout=60)[1]


@pytest.fixture(scope="session")
def server() -> Iterator[ServerProcess]:
    """A server with the shipped model that gives up after four seconds."""
    running = ServerProcess("--timeout", "4")
    yield running
    running.stop()
