"""The chat client against a real server that answers, stalls, refuses, cuts connections and talks nonsense."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from sentipair.errors import UserError
from sentipair.rationales.client import ChatClient, Pace, QuestionFailedError, Reply, Server, retry_after

from .conftest import ChatServer, Reaction, completion, seconds

Serve = Callable[..., ChatServer]
FILTERED = {"finish_reason": "content_filter"}


def first(*reactions: Reaction) -> Callable[[Any, int], Reaction]:
    """These reactions one after the other, then a good answer."""
    return lambda _, number: reactions[number - 1] if number <= len(reactions) else Reaction()


def ask(server: ChatServer, *, times: int = 1, **settings: Any) -> list[Reply]:
    """Ask ``times`` questions at once."""
    who = Server(
        base_url=server.url, model="tiny", **{"timeout": 5.0, "attempts": 3, "first_pause": 0.01, **settings}
    )

    async def run() -> list[Reply]:
        async with ChatClient(who) as client:
            return await asyncio.gather(*(client.ask("Why?", None, max_tokens=9) for _ in range(times)))

    return asyncio.run(run())


def test_a_request_is_what_the_api_wants(serve: Serve) -> None:
    server = serve()
    who = Server(base_url=server.url + "/", model="org/tiny", api_key="secret")

    async def run() -> Reply:
        async with ChatClient(who) as client:
            return await client.ask("Why?", "data:image/jpeg;base64,QUJD", max_tokens=7)

    assert asyncio.run(run()) == Reply("Because of the smile.", False, 400, 50)
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["Authorization"] == "Bearer secret"
    picture = {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,QUJD"}}
    assert request.body == {
        "model": "org/tiny",
        "temperature": 0,
        "max_tokens": 7,
        "messages": [{"role": "user", "content": [picture, {"type": "text", "text": "Why?"}]}],
    }
    assert "secret" not in repr(who)


STUMBLES = {
    "500": Reaction(status=500),
    "503": Reaction(status=503, body=b"<html>down</html>"),
    "429": Reaction(status=429),
    "cut in the middle": Reaction(cut=True),
    "stalls": Reaction(stall=30),
    "drips": Reaction(drip=True),
    "half JSON": Reaction(body=b'{"choices": [{"mess'),
    "no text": Reaction(body=b"\xff\xfe\x00"),
    "a list": Reaction(body=b"[]"),
    "no choice": Reaction(body={"choices": []}),
    "no message": Reaction(body={"choices": [{"message": None}]}),
    "content of numbers": Reaction(body=completion([1])),
    "408": Reaction(status=408),
    "deep": Reaction(body=b"[" * 200_000),
}


@pytest.mark.parametrize("stumble", STUMBLES)
def test_a_stumble_is_tried_again(serve: Serve, stumble: str) -> None:
    server = serve(first(STUMBLES[stumble], STUMBLES[stumble]))
    assert ask(server, timeout=0.3)[0].text == "Because of the smile."
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("stumble", "reason"),
    [
        (
            Reaction(status=500, body={"error": {"message": "out of\nmemory"}}),
            "500: out of memory, in 3 attempts",
        ),
        (Reaction(status=502, body=b""), "502: Bad Gateway, in 3 attempts"),
        (Reaction(stall=30), "no answer within 0.2 seconds, in 3 attempts"),
        (Reaction(cut=True), "the connection broke"),
        (Reaction(body=b"{"), "the reply is no chat completion, in 3 attempts"),
    ],
)
def test_after_the_last_attempt_the_reason_is_told(serve: Serve, stumble: Reaction, reason: str) -> None:
    server = serve(lambda *_: stumble)
    with pytest.raises(QuestionFailedError, match=reason):
        ask(server, timeout=0.2)
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 403, 413, 422])
def test_a_refused_question_is_not_tried_again(serve: Serve, status: int) -> None:
    server = serve(lambda *_: Reaction(status=status, body={"error": {"message": "picture too large"}}))
    with pytest.raises(QuestionFailedError, match=f"{status}: picture too large"):
        ask(server)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 401, 404, 418])
def test_a_wrong_key_address_or_model_ends_it_without_showing_the_key(serve: Serve, status: int) -> None:
    elsewhere = serve()
    headers = {"Location": elsewhere.url}
    server = serve(lambda *_: Reaction(status=status, headers=headers, body={"error": "bad key sk-123"}))
    with pytest.raises(
        UserError, match=r"bad key \*\*\*; check --base-url, --model and the API key"
    ) as error:
        ask(server, api_key="sk-123")
    assert "sk-123" not in str(error.value)
    assert len(server.requests) == 1
    assert elsewhere.requests == []


def test_a_key_is_hidden_before_a_long_complaint_is_cut(serve: Serve) -> None:
    server = serve(lambda *_: Reaction(status=401, body={"error": "x" * 195 + "sk-0123456789"}))
    with pytest.raises(UserError) as error:
        ask(server, api_key="sk-0123456789")
    assert "sk-" not in str(error.value)


@pytest.mark.parametrize("key", ["sk-1\r", "sk 1", "schlüssel", ""])
def test_a_key_that_cannot_be_sent_is_not_shown(key: str) -> None:
    with pytest.raises(UserError, match="the API key holds blanks") as error:
        Server(base_url="http://localhost/v1", model="tiny", api_key=key)
    assert not key or key not in str(error.value)


@pytest.mark.parametrize(
    "url", ["localhost:8000/v1", "http://", "http://[::1", "http://localhost:99999/v1", "ftp://localhost"]
)
def test_an_address_that_is_none_is_one_line(url: str) -> None:
    with pytest.raises(UserError, match="--base-url is no address of a server; write it like http"):
        Server(base_url=url, model="tiny")


def test_the_address_is_shown_without_its_password_and_fetched_as_it_was_meant() -> None:
    server = Server(base_url="http://me:secret@127.0.0.1:1/v1/chat/completions/", model="tiny")
    assert server.url == "http://me:secret@127.0.0.1:1/v1/chat/completions"
    assert "secret" not in server.address


def test_all_wait_when_the_server_asks_for_it(serve: Serve) -> None:
    server = serve(first(Reaction(status=429, headers={"Retry-After": "0.6"}), Reaction(stall=0.2)))
    with seconds() as took:
        ask(server, times=2, concurrency=2)
        ask(server)
    at = [request.at for request in server.requests]
    assert at[2] - at[0] >= 0.6
    assert took() < 3


def test_a_wait_of_hours_ends_the_run(serve: Serve) -> None:
    server = serve(lambda *_: Reaction(status=429, headers={"Retry-After": "7200"}, body={"error": "quota"}))
    with pytest.raises(
        UserError, match=r"a wait of 120 minutes \(429: quota\); repeat the command after that"
    ):
        ask(server)


def test_retry_after_is_a_number_or_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < retry_after({"retry-after": later}) <= 90
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=90), usegmt=True)
    assert [retry_after({"retry-after": value}) for value in ("3", "1.5", "-2", past, "soon", "")] == [
        3, 1.5, 0, 0, 0, 0,
    ]  # fmt: skip
    assert retry_after({}) == 0


def test_nobody_at_the_address_is_told_at_once(serve: Serve) -> None:
    server = serve()
    url = server.url
    server.shutdown()
    server.server_close()
    with seconds() as took, pytest.raises(UserError, match=f"nobody answers at {url}: cannot connect"):
        ask(server, first_pause=5)
    assert took() < 2


def test_a_server_that_goes_away_is_waited_for(serve: Serve) -> None:
    server = serve(lambda *_: Reaction(headers={"Connection": "close"}))
    who = Server(base_url=server.url, model="tiny", attempts=3, first_pause=0.01)

    async def run() -> None:
        async with ChatClient(who) as client:
            await client.ask("Why?", None, max_tokens=9)
            await asyncio.to_thread(server.shutdown)
            server.server_close()
            await client.ask("Why?", None, max_tokens=9)

    with pytest.raises(QuestionFailedError, match=r"cannot connect .*, in 3 attempts"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("reaction", "text", "refused"),
    [
        (Reaction(body=completion(None, refusal="I won't.")), "I won't.", True),
        (Reaction(body=completion("I’m sorry, but I cannot help.")), "I’m sorry, but I cannot help.", True),
        (Reaction(body=completion("抱歉，我无法回答。")), "抱歉，我无法回答。", True),
        (Reaction(body={"choices": [{"message": {"content": "Half"}, **FILTERED}]}), "Half", True),
        (Reaction(body=completion("")), "", False),
        (Reaction(body=completion(None)), "", False),
        (Reaction(body=completion("<think>hm, hm")), "", False),
        (Reaction(body=completion("<think>I can't\nsay</think>\n The sun\n\nshines. ")), "The sun shines.", False),
        (Reaction(body=completion("Sorrow speaks from the face.")), "Sorrow speaks from the face.", False),
        (Reaction(body=completion("a cut emoji \ud83d")), "a cut emoji ?", False),
        (Reaction(body=completion("Hm, negative?</think> The sun.")), "The sun.", False),
        (Reaction(body=completion([{"type": "text", "text": part} for part in ("In", "parts.")])), "In parts.", False),
        (Reaction(body={**completion("Counted"), "usage": {"prompt_tokens": "many"}}), "Counted", False),
        (Reaction(body={**completion("Counted"), "usage": "many"}), "Counted", False),
    ],
)  # fmt: skip
def test_what_an_answer_is(serve: Serve, reaction: Reaction, text: str, refused: bool) -> None:
    reply = ask(serve(lambda *_: reaction))[0]
    assert (reply.text, reply.refused) == (text, refused)


def test_requests_per_minute_are_evenly_spaced(serve: Serve) -> None:
    server = serve()
    ask(server, times=5, requests_per_minute=600)
    at = sorted(request.at for request in server.requests)
    assert all(b - a > 0.07 for a, b in itertools.pairwise(at))


def test_a_hold_reaches_those_who_sleep_already() -> None:
    async def run() -> list[float]:
        pace = Pace(per_minute=600)
        start = time.monotonic()
        turns: list[float] = []

        async def take() -> None:
            await pace.turn()
            turns.append(time.monotonic() - start)

        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(take())
            await asyncio.sleep(0.03)
            pace.hold(0.4)
        return turns

    first_turn, second, third = asyncio.run(run())
    assert first_turn < 0.05
    assert second >= 0.42
    assert third >= second + 0.09
