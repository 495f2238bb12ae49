"""A real HTTP server on loopback that speaks as much of the OpenAI chat API as it is told to, well or badly."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sentipair.data import Pair

USAGE = {"prompt_tokens": 400, "completion_tokens": 50}


def completion(content: Any = "Because of the smile.", **message: Any) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": content, **message}, "finish_reason": "stop"}
    return {"choices": [choice], "usage": USAGE}


@dataclass
class Reaction:
    """What the server does with one request."""

    body: Any = field(default_factory=completion)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    stall: float = 0
    drip: bool = False  # a byte now and then, for ever
    cut: bool = False  # close the connection in the middle of the body


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float

    @property
    def words(self) -> str:
        return str(self.body["messages"][0]["content"][-1]["text"])

    @property
    def picture(self) -> str | None:
        content = self.body["messages"][0]["content"]
        return content[0]["image_url"]["url"] if content[0]["type"] == "image_url" else None


class ChatServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, react: Callable[[Request, int], Reaction]) -> None:
        self.react = react
        self.requests: list[Request] = []
        self.busy = self.busiest = 0
        self.lock = threading.Lock()
        self.released = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what is tested."""


class Handler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        request = Request(self.path, dict(self.headers), body, time.monotonic())
        with self.server.lock:
            self.server.requests.append(request)
            number = len(self.server.requests)
            self.server.busy += 1
            self.server.busiest = max(self.server.busiest, self.server.busy)
        try:
            self.answer(self.server.react(request, number))
        finally:
            with self.server.lock:
                self.server.busy -= 1

    def do_GET(self) -> None:
        self.do_POST()

    def answer(self, reaction: Reaction) -> None:
        self.server.released.wait(reaction.stall)
        body = reaction.body if isinstance(reaction.body, bytes) else json.dumps(reaction.body).encode()
        self.send_response(reaction.status)
        for name, value in reaction.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if reaction.drip:
            for byte in body:
                self.wfile.write(bytes([byte]))
                if self.server.released.wait(0.1):
                    return
        self.wfile.write(body[: len(body) // 2] if reaction.cut else body)

    def log_message(self, *words: Any) -> None:
        """Nothing on standard error."""


@pytest.fixture
def serve() -> Iterator[Callable[..., ChatServer]]:
    """``serve(react)``: a running server; ``react(request, number)`` gives a ``Reaction``; the default answers all."""
    servers: list[ChatServer] = []

    def start(react: Callable[[Request, int], Reaction] = lambda *_: Reaction()) -> ChatServer:
        server = ChatServer(react)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.released.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "all_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def posts(tmp_path: Path) -> list[Pair]:
    """Six posts: with both, without a picture, without a text, in Chinese, with a damaged picture, with a large one."""
    Image.new("RGB", (64, 48), (220, 180, 40)).save(tmp_path / "sun.png")
    Image.new("RGB", (900, 300), (20, 20, 60)).save(tmp_path / "night.jpg")
    (tmp_path / "damaged.jpg").write_bytes(b"no picture")
    return [
        Pair(id="both", text="I love this place", image=tmp_path / "sun.png", label="positive"),
        Pair(id="text", text="a plain {text} with braces", label="neutral"),
        Pair(id="picture", image=tmp_path / "sun.png", label="positive"),
        Pair(id="chinese", text="今天 很 开心", image=tmp_path / "sun.png", label="positive"),
        Pair(id="damaged", text="I hate rain", image=tmp_path / "damaged.jpg", label="negative"),
        Pair(id="large", text="good night", image=tmp_path / "night.jpg", label="neutral"),
    ]


@contextmanager
def seconds() -> Iterator[Callable[[], float]]:
    """``with seconds() as took``: how long ago the block began."""
    start = time.monotonic()
    yield lambda: time.monotonic() - start
