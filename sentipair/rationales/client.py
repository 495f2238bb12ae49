"""Asking a server that speaks the OpenAI chat API, with pictures: politely, and again when it stumbles.

vLLM, Ollama, llama.cpp, ``transformers serve`` and hosted services speak it. Nothing but ``BASE_URL/chat/completions``
is ever fetched, redirections are not followed, and the API key is sent there and appears nowhere else.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Self

import httpx2

from sentipair.errors import UserError
from sentipair.rationales.prompts import is_refusal, without_thoughts

PATH = "/chat/completions"

LONGEST_PAUSE = 60.0
"""Seconds that pauses between attempts grow to."""

LONGEST_WAIT = 600.0
"""Seconds that a server may ask us to wait; one that wants more has ended the day's work."""


LONGEST_REASON = 200
"""Characters of a server's complaint that are shown."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """Who is asked, and how hard.

    Attributes:
        base_url: up to and without ``/chat/completions``, such as ``http://localhost:8000/v1``.
        model: the server's name for the model.
        api_key: sent as a bearer token; never written or shown.
        concurrency: questions under way at a time.
        requests_per_minute: the most that go out in a minute, retries included.
        timeout: seconds for one attempt, from the first byte sent to the last received.
        attempts: how often a question is tried before it is given up for this run.
        first_pause: seconds before the second attempt at most; doubles with every further one.
    """

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    concurrency: int = 8
    requests_per_minute: float | None = None
    timeout: float = 120.0
    attempts: int = 6
    first_pause: float = 1.0

    def __post_init__(self) -> None:
        """Raises UserError: the address is none, or the key cannot be sent."""
        try:
            url = httpx2.URL(self.base_url)
            usable = url.scheme in ("http", "https") and url.host and (url.port or 1) < 2**16
        except httpx2.InvalidURL:
            usable = False
        if not usable:
            raise UserError("--base-url is no address of a server; write it like http://localhost:8000/v1")
        if self.api_key is not None and not re.fullmatch(r"[!-~]+", self.api_key):
            raise UserError("the API key holds blanks, line ends or letters that cannot be sent; set it anew")

    @property
    def url(self) -> str:
        """What is fetched."""
        return self.base_url.rstrip("/").removesuffix(PATH) + PATH

    @property
    def address(self) -> str:
        """The base URL as it may be shown, without a password."""
        return str(httpx2.URL(self.base_url).copy_with(userinfo=b""))

    @property
    def is_local(self) -> bool:
        """Whether the server runs on this machine."""
        return httpx2.URL(self.base_url).host in ("localhost", "127.0.0.1", "::1")


class Reply(NamedTuple):
    """What came back: the answer in one paragraph, whether the model declined, and the tokens that were counted.

    ``cut``: it was longer than ``max_tokens``.
    """

    text: str
    refused: bool
    tokens_in: int
    tokens_out: int
    cut: bool = False


class QuestionFailedError(Exception):
    """A question that got no answer in this run; the message says why."""


class ChatClient:
    """A connection to a server; use it as a context manager within one event loop.

    Attributes:
        stopped: no question is sent any more.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.pace = Pace(server.requests_per_minute)
        self.stopped = False
        self._reached = False
        self._under_way: set[asyncio.Task[Any] | None] = set()
        headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
        limits = httpx2.Limits(max_connections=server.concurrency)
        self._http = httpx2.AsyncClient(headers=headers, limits=limits, timeout=None)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._http.__aexit__(*error)

    def is_under_way(self, task: asyncio.Task[Any]) -> bool:
        """Whether ``task`` has sent a question and waits for its answer, which may have to be paid for."""
        return task in self._under_way

    async def ask(self, words: str, picture: str | None, *, max_tokens: int) -> Reply:
        """The answer to one question.

        Tries again after 408, 409, 425, 429, 5xx, timeouts, cut connections and replies that are none.

        Args:
            words: the question.
            picture: a ``data:`` URL.
            max_tokens: the longest answer.

        Raises:
            QuestionFailedError: the server refuses this question, or all attempts failed.
            UserError: it makes no sense to go on: nobody answers at the address, the key or the model is wrong, or the
                server asks for a wait of more than ten minutes.
        """
        body = chat_request(self.server.model, words, picture, max_tokens=max_tokens)
        reason = ""
        for attempt in range(self.server.attempts):
            if self.stopped:
                raise QuestionFailedError(reason or "the run was stopped before")
            if attempt:
                pause = min(LONGEST_PAUSE, self.server.first_pause * 2 ** (attempt - 1))
                await asyncio.sleep(pause * random.uniform(0.5, 1))
            await self.pace.turn()
            try:
                response = await self._post(body)
                self._reached = True
            except TimeoutError:
                reason = f"no answer within {self.server.timeout:g} seconds"
                continue
            except httpx2.ConnectError as error:
                reason = self._hidden(f"cannot connect ({error})")
                if not self._reached:
                    raise UserError(
                        f"nobody answers at {self.server.address}: {reason}; start the server or correct --base-url"
                    ) from error
                continue
            except httpx2.RequestError as error:
                self._reached = True
                reason = self._hidden(f"the connection broke ({type(error).__name__}: {error})")
                continue
            if response.status_code == 200:
                try:
                    return read_reply(response.json())
                except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                    reason = "the reply is no chat completion"
                    continue
            reason = f"{response.status_code}: {self._hidden(_complaint(response))[:LONGEST_REASON]}"
            if response.status_code in (408, 409, 425, 429) or response.status_code >= 500:
                self._hold(response.headers, reason)
            elif response.status_code in (400, 403, 413, 422):  # 403: moderation of one post, or a wrong key
                raise QuestionFailedError(reason)
            else:
                raise UserError(
                    f"{self.server.address} answers {reason}; check --base-url, --model and the API key"
                )
        raise QuestionFailedError(f"{reason}, in {self.server.attempts} attempts")

    async def _post(self, body: dict[str, Any]) -> httpx2.Response:
        task = asyncio.current_task()
        self._under_way.add(task)
        try:
            async with asyncio.timeout(self.server.timeout):
                return await self._http.post(self.server.url, json=body)
        finally:
            self._under_way.discard(task)

    def _hold(self, headers: Mapping[str, str], reason: str) -> None:
        """Let all questions wait as long as the server wishes."""
        wait = retry_after(headers)
        if wait > LONGEST_WAIT:
            raise UserError(
                f"the server asks for a wait of {wait / 60:.0f} minutes ({reason}); repeat the command after that"
            )
        self.pace.hold(wait)

    def _hidden(self, reason: str) -> str:
        """The reason without the API key, which some servers repeat."""
        return reason.replace(self.server.api_key, "***") if self.server.api_key else reason


class Pace:
    """When the next request may go out: evenly spaced below a limit, and never while the server wants a rest."""

    def __init__(self, per_minute: float | None) -> None:
        self._interval = 60 / per_minute if per_minute else 0.0
        self._earliest = 0.0
        self._queue = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for one's turn, first come, first served."""
        clock = asyncio.get_running_loop().time
        async with self._queue:
            while (wait := self._earliest - clock()) > 0:  # a hold may have come while asleep
                await asyncio.sleep(wait)
            self._earliest = clock() + self._interval

    def hold(self, seconds: float) -> None:
        """Nobody goes before ``seconds`` have passed."""
        self._earliest = max(self._earliest, asyncio.get_running_loop().time() + seconds)


def chat_request(model: str, words: str, picture: str | None, *, max_tokens: int) -> dict[str, Any]:
    """The body of a chat completion request, the picture before the words, at temperature 0."""
    content: list[dict[str, Any]] = [{"type": "text", "text": words}]
    if picture is not None:
        content.insert(0, {"type": "image_url", "image_url": {"url": picture}})
    return {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "max_tokens": max_tokens,
    }


def read_reply(completion: Any) -> Reply:
    """The first choice of a chat completion.

    Raises:
        ValueError, LookupError, TypeError, AttributeError: it is none.
    """
    choice = completion["choices"][0]
    message = choice["message"]
    declined = message.get("refusal") or ""
    content = message.get("content") or declined
    if isinstance(content, list):
        content = " ".join(part["text"] for part in content if part.get("type") == "text")
    if not isinstance(content, str):
        raise TypeError("content")
    text = without_thoughts(content)
    usage = completion.get("usage")
    return Reply(
        text=text.encode("utf-8", "replace").decode(),  # JSON can hold halves of surrogate pairs
        refused=bool(declined) or choice.get("finish_reason") == "content_filter" or is_refusal(text),
        tokens_in=_count(usage, "prompt_tokens"),
        tokens_out=_count(usage, "completion_tokens"),
        cut=choice.get("finish_reason") == "length",
    )


def _count(usage: Any, name: str) -> int:
    """What the server has counted, 0 where it did not: the answer is of use all the same."""
    found = usage.get(name) if isinstance(usage, dict) else None
    return found if isinstance(found, int) else 0


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that ``Retry-After`` asks for, as a number or a date; 0 where it says nothing that can be read."""
    value = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _complaint(response: httpx2.Response) -> str:
    """What the server says in its own words, on one line."""
    try:
        error = response.json()["error"]
        said = error["message"] if isinstance(error, dict) else error
    except (ValueError, LookupError, TypeError):
        said = response.text
    return " ".join(str(said).split()) or response.reason_phrase
