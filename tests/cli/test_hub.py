"""A model goes to a hub and comes back, over HTTP: a small hub on the loopback takes the place of the real one."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sentipair.inference import Predictor

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_of_the_loopback"
PROGRAM = "from sentipair.cli import main; main()"
AGAIN = """
import sys
from sentipair.inference.publish import PublishedModel
PublishedModel.from_pretrained("me/mine", revision="main").save_pretrained(sys.argv[1])
"""


class Hub(ThreadingHTTPServer):
    """Keeps the files of one model, if it is sent with the token."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.made: dict[str, Any] = {}


class Handler(BaseHTTPRequestHandler):
    """The part of the hub's API that uploading and downloading a small model takes."""

    protocol_version = "HTTP/1.1"
    server: Hub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer({"error": "Invalid credentials in Authorization header"}, status=401)
        if self.path == "/api/repos/create":
            self.server.made = json.loads(body)
            return self.answer({"url": f"{self.address}/me/mine", "name": "me/mine"})
        if self.path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if self.path == "/api/models/me/mine/preupload/main":
            paths = [file["path"] for file in json.loads(body)["files"]]
            modes = [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in paths]
            return self.answer({"files": modes})
        if self.path == "/api/models/me/mine/commit/main":
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.server.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            return self.answer({"commitUrl": f"{self.address}/me/mine/commit/{COMMIT}", "commitOid": COMMIT})
        return self.answer({"error": "not here"}, status=404)

    def do_GET(self) -> None:
        if re.fullmatch(r"/api/models/me/mine(/revision/\w+)?(\?.*)?", self.path):
            siblings = [{"rfilename": name} for name in self.server.files]
            return self.answer({"id": "me/mine", "sha": COMMIT, "siblings": siblings})
        if self.path.startswith(f"/api/models/me/mine/tree/{COMMIT}"):
            return self.answer(
                [
                    {"type": "file", "path": name, "size": len(content), "oid": etag(content)}
                    for name, content in self.server.files.items()
                ]
            )
        name = self.path.rpartition("/")[2]
        resolved = re.match(rf"/me/mine/resolve/({COMMIT}|main)/", self.path)
        if resolved and name in self.server.files:
            return self.send(self.server.files[name], "application/octet-stream")
        return self.answer({"error": "not here"}, status=404)

    def do_HEAD(self) -> None:
        self.do_GET()

    @property
    def address(self) -> str:
        return "http://{}:{}".format(*self.server.server_address[:2])

    def answer(self, value: Any, *, status: int = 200) -> None:
        self.send(json.dumps(value).encode(), "application/json", status=status)

    def send(self, content: bytes, kind: str, *, status: int = 200) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": len(content), "ETag": f'"{etag(content)}"'}
        for name, value in {**headers, "X-Repo-Commit": COMMIT}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def etag(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_what_one_person_uploads_another_predicts_with(hub: Hub, finished_run: Path, tmp_path: Path) -> None:
    address = "http://{}:{}".format(*hub.server_address[:2])

    def run(
        *words: object, token: str, home: str, program: str = PROGRAM
    ) -> subprocess.CompletedProcess[str]:
        settings = {
            "HF_ENDPOINT": address,
            "HF_HOME": str(tmp_path / home),
            "HF_TOKEN": token,
            "HF_HUB_OFFLINE": "0",
            "NO_PROXY": "127.0.0.1",
            "TRANSFORMERS_OFFLINE": "0",
        }
        command = [sys.executable, "-c", program, *map(str, words)]
        environment = {**os.environ, **settings}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    publish = ("publish", finished_run / "seed-0", tmp_path / "model", "--hub", "me/mine", "--private")
    refused = run(*publish, token="wrong", home="mine")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "log in with `hf auth login`" in refused.stderr
    assert hub.files == {}

    sent = run(*publish, token=TOKEN, home="mine")
    assert sent.returncode == 0, sent.stderr
    assert sent.stdout.splitlines()[-1] == f"{address}/me/mine"
    assert (hub.made["name"], hub.made["visibility"]) == ("mine", "private")
    assert hub.files == {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}

    words = ("--model", "me/mine", "", "what a day", "--engine", "torch", "--json")
    there = run("predict", *words, token=TOKEN, home="theirs")
    assert there.returncode == 0, there.stderr
    here = Predictor.from_pretrained(finished_run / "seed-0", engine="torch")(text="what a day")
    assert json.loads(there.stdout)["probabilities"] == pytest.approx(here.probabilities)

    again = run(tmp_path / "again", token=TOKEN, home="others", program=AGAIN)
    assert again.returncode == 0, again.stderr
    for path in (tmp_path / "model").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
