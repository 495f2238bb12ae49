"""A real server process on loopback: the same answers as in Python, slow clients, and its end."""

from __future__ import annotations

import base64
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path

import pytest

from sentipair.data import Pair, load_dataset
from sentipair.errors import UserError
from sentipair.inference import Predictor
from sentipair.serving.running import listen

from .conftest import ServerProcess


def ask(server: ServerProcess, path: str, content: object) -> tuple[int, object]:
    """Status and answer of a POST with JSON."""
    connection = HTTPConnection(*server.address, timeout=60)
    try:
        connection.request("POST", path, json.dumps(content), {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def as_json(pair: Pair) -> dict[str, str]:
    assert pair.image is not None
    return {"text": pair.text, "image": base64.b64encode(pair.image.read_bytes()).decode()}


@pytest.fixture(scope="module")
def posts(sample_posts: Path) -> list[Pair]:
    return list(load_dataset(sample_posts).split("test"))[:6]


def test_answers_are_those_of_the_predictor(server: ServerProcess, posts: list[Pair]) -> None:
    expected = Predictor.from_pretrained(engine="torch").predict(posts)
    with ThreadPoolExecutor(len(posts)) as pool:
        answers = list(pool.map(lambda post: ask(server, "/v1/predict", as_json(post)), posts))
    status, batch = ask(server, "/v1/predict/batch", [as_json(post) for post in posts])
    assert status == 200
    assert isinstance(batch, list)
    for prediction, (status, one), many in zip(expected, answers, batch, strict=True):
        assert status == 200
        for answer in (one, many):
            plain = prediction.to_dict()
            assert answer["probabilities"] == pytest.approx(plain["probabilities"], abs=5e-3)
            assert {name: answer[name] for name in ("label", "conflict", "abstained")} == {
                name: plain[name] for name in ("label", "conflict", "abstained")
            }
            assert set(answer) == set(plain)


def test_an_explanation_names_words_and_regions(server: ServerProcess, posts: list[Pair]) -> None:
    status, found = ask(server, "/v1/explain", as_json(posts[0]))
    assert status == 200
    assert isinstance(found, dict)
    assert " ".join(word["text"] for word in found["words"]).split() == posts[0].text.split()
    assert all(len(region["box"]) == 4 for region in found["regions"])
    status, found = ask(server, "/v1/explain?target=nonsense", {"text": "x"})
    assert status == 422
    assert "there is no class 'nonsense'" in found["detail"]
    assert ask(server, "/v1/explain?method=nonsense", {"text": "x"})[0] == 422


def test_slow_clients_are_sent_away_and_hold_up_nobody(server: ServerProcess) -> None:
    head = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    slow = [socket.create_connection(server.address, timeout=30) for _ in range(50)]
    for connection in slow:
        connection.sendall(head)
    start = time.monotonic()
    assert ask(server, "/v1/predict", {"text": "what a day"})[0] == 200
    assert time.monotonic() - start < 3
    for connection in slow:
        answer = connection.recv(10_000)
        assert answer.startswith(b"HTTP/1.1 408")
        connection.close()


def test_who_leaves_early_harms_nobody(server: ServerProcess) -> None:
    for _ in range(20):
        with socket.create_connection(server.address) as connection:
            connection.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert ask(server, "/v1/predict", {"text": "what a day"})[0] == 200


def test_a_server_that_is_stopped_finishes_what_it_accepted(posts: list[Pair]) -> None:
    server = ServerProcess()
    connections = [HTTPConnection(*server.address, timeout=60) for _ in range(30)]
    body = json.dumps(as_json(posts[0]))
    for connection in connections:
        connection.request("POST", "/v1/predict", body, {"content-type": "application/json"})
    time.sleep(0.3)  # all are read by now, and few answered
    said = server.stop()
    statuses = []
    for connection in connections:
        try:
            answer = connection.getresponse()
            statuses.append((answer.status, json.loads(answer.read())["label"]))
        except (RemoteDisconnected, ConnectionResetError):
            statuses.append((0, ""))
        finally:
            connection.close()
    assert [status for status, _ in statuses] == [200] * 30
    assert len(set(statuses)) == 1
    assert (server.process.returncode, said) == (-15, "")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address)


def test_an_address_in_use_is_one_line() -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    with taken, pytest.raises(UserError, match="choose another --host or --port"):
        listen("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(UserError, match=r"cannot listen on 192\.0\.2\.1:0"):
        listen("192.0.2.1", 0)
