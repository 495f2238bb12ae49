"""The application: what it answers, what it refuses, and in which words."""

from __future__ import annotations

import base64
import io
import random
import struct
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from sentipair.errors import UserError
from sentipair.inference.posts import Given, make_pair, require_content
from sentipair.serving.app import add_page
from sentipair.serving.keys import read_keys
from sentipair.serving.limits import Limits

ClientOf = Callable[..., TestClient]
JSON = {"content-type": "application/json"}


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it has ``side`` × ``side`` pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    head = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + head + b"\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e"


def form(boundary: str, *parts: str, end: str = "--") -> dict[str, Any]:
    """A multipart request made of ``parts`` as they are."""
    text = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}{end}\r\n"
    return {
        "content": text.encode(errors="surrogateescape"),
        "headers": {"content-type": f"multipart/form-data; boundary={boundary}"},
    }


def test_a_form_and_json_give_the_same(client: TestClient, png: bytes) -> None:
    by_form = client.post("/v1/predict", files={"image": ("a.png", png)}, data={"text": "what a day"})
    encoded = base64.b64encode(png).decode()
    by_json = client.post("/v1/predict", json={"image": encoded, "text": "what a day"})
    assert by_form.status_code == by_json.status_code == 200
    assert by_form.json() == by_json.json()
    assert by_form.json()["probabilities"] == {"positive": 10, "neutral": 40}


@pytest.mark.parametrize("image", [None, (None, ""), ("", b"")])
def test_a_form_may_lack_the_picture(client: TestClient, image: Any) -> None:
    parts = {"text": (None, "x")} | ({"image": image} if image else {})
    answer = client.post("/v1/predict", files=parts)
    assert answer.json()["probabilities"] == {"positive": 1, "neutral": 0}


def test_a_list_is_answered_in_its_order(client: TestClient) -> None:
    answer = client.post("/v1/predict/batch", json=[{"text": "x" * n} for n in (3, 1, 2)] + [{}])
    assert [row["probabilities"]["positive"] for row in answer.json()] == [3, 1, 2, 0]
    assert client.post("/v1/predict/batch", json=[]).json() == []


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 422, "Invalid JSON"),
        (b"[", 422, "Invalid JSON"),
        (b"{}", 422, "give a picture, a text, or both"),
        (b'{"text": "  "}', 422, "give a picture, a text, or both"),
        (b'{"text": null}', 422, "give a picture, a text, or both"),
        (b'{"text": 7}', 422, "text: "),
        (b'{"txt": "x"}', 422, "txt: "),
        (b'{"text": "\\ud800"}', 422, "Invalid JSON"),
        (b'{"text": "\xff"}', 422, "Invalid JSON"),
        (b'{"image": "http://127.0.0.1/a.png"}', 422, "an address is not fetched"),
        (
            b'{"image": "bm90aGluZw=="}',
            422,
            "the picture given cannot be used (not a picture) and there is no text",
        ),
        (b"[" * 100_000, 422, "Invalid JSON"),
        (b'{"text": ' + b"[" * 100_000, 422, "Invalid JSON"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    client: TestClient, content: bytes, status: int, words: str
) -> None:
    answer = client.post("/v1/predict", content=content, headers=JSON)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=b"}}, 400),
        ({"content": b"--b\r\n", "headers": {"content-type": "multipart/form-data; boundary=b"}}, 400),
        (form("b", "no header"), 400),
        (form("b", "Content-Disposition: form-data\r\n\r\nx"), 400),
        (form("b", 'Content-Disposition: form-data; name="other"\r\n\r\nx'), 422),
        (form("b", *['Content-Disposition: form-data; name="text"\r\n\r\nx'] * 2), 422),
        (form("b", *['Content-Disposition: form-data; name="text"\r\n\r\nx'] * 99), 400),
        (form("b", 'Content-Disposition: form-data; name="text"\r\n\r\nx', end=""), 400),
        (form("b", 'Content-Disposition: form-data; name="text"\r\n\r\n\udcff'), 400),
        (form("b", 'Content-Disposition: form-data; name="image"\r\n\r\nhttp://127.0.0.1/a.png'), 422),
        (form("b", 'Content-Disposition: form-data; name="text"; filename="a"\r\n\r\nx'), 422),
        ({"content": b"text=x", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 415),
        ({"content": b"x"}, 415),
    ],
)
def test_a_damaged_form_is_refused(client: TestClient, request_: dict[str, Any], status: int) -> None:
    answer = client.post("/v1/predict", **request_)
    assert (answer.status_code, set(answer.json())) == (status, {"detail"}), answer.text


def test_a_text_may_stand_beside_a_picture_that_cannot_be_used(client: TestClient) -> None:
    answer = client.post("/v1/predict", files={"image": ("a.png", b"nothing")}, data={"text": "x"})
    assert answer.json()["unusable"] == "not a picture"


def test_formats_that_need_other_programs_are_no_pictures(client: TestClient) -> None:
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    answer = client.post("/v1/predict", files={"image": ("a.png", postscript)}, data={"text": "x"})
    assert answer.json()["unusable"] == "not a picture"


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])
def test_a_decompression_bomb_takes_no_part_by_its_header(client: TestClient, side: int) -> None:
    files = {"image": ("a.png", bomb(side))}
    answer = client.post("/v1/predict", files=files, data={"text": "x"})
    assert answer.status_code == 200
    said = answer.json()
    assert said["image"] is None
    told = "too many pixels" if side == 60_000 else f"{side}×{side} pixels, the limit is 50,000,000"
    assert said["unusable"] == told
    alone = client.post("/v1/predict", files=files)
    assert alone.status_code == 422
    assert alone.json()["detail"] == f"the picture given cannot be used ({told}) and there is no text"


def test_an_empty_file_is_no_picture(client: TestClient) -> None:
    answer = client.post("/v1/predict", files={"image": ("a.jpg", b"")}, data={"text": "what a day"})
    assert answer.json()["unusable"] == "not a picture"
    assert client.post("/v1/predict", json={"text": "what a day", "image": ""}).json() == answer.json()
    not_chosen = b'--b\r\nContent-Disposition: form-data; name="image"; filename=""\r\n\r\n\r\n--b\r\n'
    text = b'Content-Disposition: form-data; name="text"\r\n\r\nwhat a day\r\n--b--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert client.post("/v1/predict", content=not_chosen + text, headers=headers).json()["unusable"] is None


def test_of_many_posts_one_beyond_a_limit_does_not_end_the_others(client_of: ClientOf) -> None:
    client = client_of(limits=Limits(text=10))
    large = base64.b64encode(bomb(8000)).decode()
    posts = [{"text": "x" * 11}, {"text": "x"}, {"text": "y", "image": large}, {}, {"text": None}]
    answer = client.post("/v1/predict/batch", json=posts)
    assert answer.status_code == 200
    long, fine, bombed, *empty = answer.json()
    assert long["unusable"] == "the text has 11 characters, the limit is 10"
    assert fine["unusable"] is None
    assert bombed["unusable"] == "8000×8000 pixels, the limit is 50,000,000"
    assert [nothing["unusable"] for nothing in empty] == ["neither a text nor a picture"] * 2


def test_what_is_too_large_is_refused(client_of: ClientOf) -> None:
    client = client_of(limits=Limits(body=1_000, text=10, posts=2))
    for content, words in (
        (b'{"text": "%s"}' % (b"x" * 11), "the text has 11 characters, the limit is 10"),
        (b" " * 1_001, "larger than the limit of 1,000 bytes"),
        (b" " * 10_000, "larger than the limit of 1,000 bytes"),
    ):
        answer = client.post("/v1/predict", content=content, headers=JSON)
        assert (answer.status_code, words in answer.json()["detail"]) == (413, True), answer.text
    chunked = client.post("/v1/predict", content=iter([b" "] * 5_000), headers=JSON)
    assert chunked.status_code == 413
    answer = client.post("/v1/predict/batch", json=[{}] * 3)
    assert (answer.status_code, answer.json()["detail"]) == (413, "more than 2 posts in one request")


@pytest.mark.parametrize("item", [b"1", b"{}"])
def test_a_long_list_costs_no_more_than_it_is_long(client: TestClient, item: bytes) -> None:
    body = b"[" + b",".join([item] * 300_000) + b"]"
    tracemalloc.start()
    answer = client.post("/v1/predict/batch", content=body, headers=JSON)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == (422 if item == b"1" else 413)
    assert most < 50 * len(body)


def test_the_pictures_of_a_request_have_a_limit_together(client_of: ClientOf) -> None:
    picture = io.BytesIO()
    Image.new("1", (100, 100)).save(picture, "PNG")
    posts = [{"text": "x", "image": base64.b64encode(picture.getvalue()).decode()}] * 9
    answers = client_of(limits=Limits(pixels=10_000)).post("/v1/predict/batch", json=posts).json()
    told = "the pictures of a request have at most 80,000 pixels; send another one"
    assert [answer["unusable"] for answer in answers] == [*[None] * 8, told]


def test_who_comes_too_late_or_waits_too_long(client_of: ClientOf) -> None:
    slow = client_of(seconds=0.3, limits=Limits(seconds=0.05))
    answer = slow.post("/v1/predict", json={"text": "x"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    full = client_of(limits=Limits(queue=2))
    answer = full.post("/v1/predict/batch", json=[{"text": "x"}] * 3)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert full.post("/v1/predict/batch", json=[{"text": "x"}] * 2).status_code == 200
    held = client_of(limits=Limits(held=10))
    assert held.post("/v1/predict", json={"text": "too long to be held"}).status_code == 429
    assert held.post("/v1/predict", content=b"{}", headers=JSON).status_code == 422


def test_readiness_is_the_queue(client_of: ClientOf) -> None:
    client = client_of(seconds=0.5, limits=Limits(queue=1))
    assert client.get("/readyz").json() == {"status": "ready"}
    asking = threading.Thread(target=client.post, args=("/v1/predict",), kwargs={"json": {"text": "x"}})
    asking.start()
    answers = [client.get("/readyz").status_code for _ in range(30)]
    asking.join()
    assert 503 in answers
    assert client.get("/readyz").status_code == client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/predict/batch", "/v1/explain"])
def test_what_would_be_refused_is_not_read(client_of: ClientOf, path: str) -> None:
    client = client_of(seconds=1.0, limits=Limits(queue=1))
    asking = threading.Thread(target=client.post, args=("/v1/predict",), kwargs={"json": {"text": "x"}})
    asking.start()
    while asking.is_alive() and client.get("/readyz").status_code == 200:
        pass
    busy = client.post(path, content=b"no JSON", headers=JSON)
    asking.join()
    assert busy.status_code == 429
    assert client.post(path, content=b"no JSON", headers=JSON).status_code == 422


def test_keys(client_of: ClientOf) -> None:
    client = client_of(keys=["first", "ключ"])
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic first"}):
        answer = client.post("/v1/predict", json={"text": "x"}, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    answer = client.post("/v1/predict", json={"text": "x"}, headers={"Authorization": "Bearer first"})
    assert answer.status_code == 200
    assert client.get("/healthz").status_code == 200
    described = client.get("/openapi.json").json()["paths"]["/v1/predict"]["post"]
    assert described["security"] == [{"HTTPBearer": []}]


def test_where_keys_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENTIPAIR_API_KEYS", raising=False)
    assert read_keys() == []
    monkeypatch.setenv("SENTIPAIR_API_KEYS", "a b")
    assert read_keys() == ["a", "b"]
    file = tmp_path / "keys.txt"
    with pytest.raises(UserError, match="cannot read the API keys"):
        read_keys(file)
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(UserError, match="no API key"):
        read_keys(file)
    file.write_text("\ufeff# of the web team\nc\n\n  d\n", encoding="utf-8")
    assert read_keys(file) == ["c", "d"]
    for key in ("two words", "clé"):
        file.write_text(f"c\n{key}\n", encoding="utf-8")
        with pytest.raises(UserError, match=r"key 2 in .* a header cannot hold"):
            read_keys(file)


def test_a_defect_is_500_and_harms_nobody_else(client: TestClient) -> None:
    answer = client.post("/v1/predict", json={"text": "defect"})
    assert (answer.status_code, answer.json()["detail"]) == (
        500,
        "the server made a mistake; its log says which",
    )
    assert client.post("/v1/predict", json={"text": "x"}).status_code == 200


def test_figures(client: TestClient) -> None:
    client.post("/v1/predict", json={"text": "a secret"})
    client.get("/no/such/page")
    figures = client.get("/metrics").text
    for line in (
        'sentipair_requests_total{path="/v1/predict",status="200"} 1.0',
        'sentipair_requests_total{path="other",status="404"} 1.0',
        'sentipair_predictions_total{label="positive"} 1.0',
        "sentipair_batch_posts_count 1.0",
        "sentipair_posts_pending 0.0",
    ):
        assert line in figures
    assert "secret" not in figures


def test_every_answer_forbids_foreign_scripts(client: TestClient) -> None:
    for path in ("/", "/healthz", "/no/such/page"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_only_the_files_of_the_page_are_served(tmp_path: Path) -> None:
    (tmp_path / "page" / "samples").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "page" / "index.html").write_text("<h1>hello</h1>")
    (tmp_path / "page" / "samples" / "a.txt").write_text("a")
    app = FastAPI()
    add_page(app, tmp_path / "page")
    client = TestClient(app)
    assert client.get("/").text == client.get("/index.html").text == "<h1>hello</h1>"
    assert client.get("/samples/a.txt").text == "a"
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/samples/..%2f..%2fsecret.txt", "/samples"):
        assert client.get(path).status_code == 404


def test_the_words_are_those_of_the_predictor(client: TestClient) -> None:
    with pytest.raises(UserError) as error:
        require_content(Given(make_pair(image=None, text=" ", name="post")))
    assert client.post("/v1/predict", json={"text": " "}).json()["detail"] == str(error.value)


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_random_bodies_are_answered(client: TestClient, png: bytes, count: int) -> None:
    draw = random.Random(count)
    valid = [
        b'{"text": "what a day", "image": "%s"}' % base64.b64encode(png),
        b'[{"text": "a"}, {"image": "%s"}]' % base64.b64encode(png),
        b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nx\r\n'
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n' + png + b"\r\n--b--\r\n",
    ]
    kinds = ("application/json", "multipart/form-data; boundary=b", "multipart/form-data", "text/plain", "")
    seen = set()
    for _ in range(count):
        body = bytearray(draw.choice(valid) if draw.random() < 0.8 else draw.randbytes(draw.randrange(200)))
        for _ in range(draw.randrange(4)):
            if body:
                body[draw.randrange(len(body))] = draw.randrange(256)
        del body[draw.randrange(len(body) + 1) if draw.random() < 0.2 else len(body) :]
        path = draw.choice(("/v1/predict", "/v1/predict/batch"))
        answer = client.post(path, content=bytes(body), headers={"content-type": draw.choice(kinds)})
        assert answer.status_code in (200, 400, 413, 415, 422), (answer.status_code, bytes(body))
        seen.add(answer.status_code)
    assert {200, 400, 415, 422} <= seen
