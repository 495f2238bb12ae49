"""Asking many questions at a time: what is answered already is not asked again, and an answer is kept at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sentipair.errors import UserError
from sentipair.progress import progress_bar, say
from sentipair.rationales.answers import Answer, AnswerStore, Problem
from sentipair.rationales.client import ChatClient, QuestionFailedError, Reply, Server
from sentipair.rationales.prompts import VERDICT, read_verdict, wording_for
from sentipair.rationales.questions import Inquiry, Key, Manner, data_url

IN_A_ROW = 10
"""Questions that may fail one after the other before the run is stopped."""

PROBE = 20
"""Answers after which time and cost of the rest are told from what has been measured."""


@dataclass(kw_only=True)
class Tally:
    """What has come of a run so far.

    Attributes:
        answered: questions that were answered in this run, usefully or not.
        tokens_in: of these questions, as the server counted them.
        tokens_out: of the answers.
        seconds: since the first question.
        failed: question → why it got no answer.
    """

    answered: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    failed: dict[Key, str] = field(default_factory=dict)


def unanswered(inquiries: Sequence[Inquiry], store: AnswerStore) -> list[Inquiry]:
    """What is left to ask, once for posts that are the same; a refusal is an answer too."""
    left = []
    planned: set[Key] = set()
    for inquiry in inquiries:
        questions = tuple(q for q in inquiry.questions if q.key not in store and q.key not in planned)
        planned |= {question.key for question in questions}
        if questions:
            left.append(Inquiry(pair=inquiry.pair, questions=questions))
    return left


def ask_all(
    inquiries: Sequence[Inquiry],
    *,
    server: Server,
    manner: Manner,
    polarities: Sequence[str],
    store: AnswerStore,
    forecast: Callable[[Tally, int], str],
) -> Tally:
    """Ask everything in ``inquiries`` and keep every answer the moment it comes.

    A process that is killed loses the questions that are under way, ``server.concurrency`` at most. Where it makes no
    sense to go on, their answers are waited for.

    Args:
        inquiries: the questions, post by post; a post's picture is prepared once.
        server: who is asked.
        manner: how.
        polarities: all classes of the data, to read verdicts.
        store: where answers are kept.
        forecast: what to tell a person of the rest after ``PROBE`` answers, given the tally and how many are left.

    Raises:
        UserError: it makes no sense to go on, see ``ChatClient.ask``; or ``IN_A_ROW`` questions failed in a row.
    """
    tally = Tally()
    total = sum(len(inquiry.questions) for inquiry in inquiries)
    started = time.monotonic()
    with progress_bar() as bar:
        task = bar.add_task("asking", total=total, note="")

        def one_more(answered: bool) -> None:
            tally.seconds = time.monotonic() - started
            bar.update(task, advance=1, note=f"{len(tally.failed)} failed" if tally.failed else "")
            if answered and tally.answered == PROBE and total > 2 * PROBE:
                say(forecast(tally, total - PROBE - len(tally.failed)))

        run = _Run(
            server=server, manner=manner, polarities=polarities, store=store, tally=tally, one_more=one_more
        )
        asyncio.run(run.ask(inquiries))
    return tally


@dataclass(kw_only=True)
class _Run:
    server: Server
    manner: Manner
    polarities: Sequence[str]
    store: AnswerStore
    tally: Tally
    one_more: Callable[[bool], None]
    _failed_in_a_row: int = 0

    async def ask(self, inquiries: Sequence[Inquiry]) -> None:
        queue = iter(inquiries)
        async with ChatClient(self.server) as client:
            workers = [asyncio.create_task(self._work(queue, client)) for _ in range(self.server.concurrency)]
            try:
                await asyncio.gather(*workers)
            except BaseException as error:
                client.stopped = True
                for worker in workers:  # a question that has been sent may have to be paid for
                    if not (isinstance(error, UserError) and client.is_under_way(worker)):
                        worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
                raise

    async def _work(self, queue: Iterator[Inquiry], client: ChatClient) -> None:
        """Take post after post from the queue that all workers share."""
        for inquiry in queue:
            picture = await asyncio.to_thread(data_url, inquiry.pair, self.manner.picture_side)
            note = "" if picture else wording_for(inquiry.pair.text).no_picture
            for question in inquiry.questions:
                if client.stopped:
                    return
                await self._settle(question.key, question.words + note, picture, client)

    async def _settle(self, key: Key, words: str, picture: str | None, client: ChatClient) -> None:
        try:
            reply = await client.ask(words, picture, max_tokens=self.manner.max_tokens)
        except QuestionFailedError as error:
            self.tally.failed[key] = str(error)
            self._failed_in_a_row += 1
            self.one_more(False)
            if self._failed_in_a_row == IN_A_ROW:
                raise UserError(
                    f"{IN_A_ROW} questions in a row came to nothing, the last: {error}; "
                    "what was answered is kept, repeat the command to go on"
                ) from error
        else:
            self.store.add(as_answer(key, reply, self.polarities))
            self._failed_in_a_row = 0
            self.tally.answered += 1
            self.tally.tokens_in += reply.tokens_in
            self.tally.tokens_out += reply.tokens_out
            self.one_more(True)


def as_answer(key: Key, reply: Reply, polarities: Sequence[str]) -> Answer:
    """The reply as an answer, with what is wrong with it."""
    problem: Problem | None = None
    text = reply.text
    if not text:
        problem = "empty"
    elif reply.refused:
        problem = "refusal"
    elif key.polarity == VERDICT:
        verdict = read_verdict(text, polarities)
        problem, text = (None, verdict) if verdict else ("malformed", text)
    return Answer(
        key=key,
        text=text,
        problem=problem,
        tokens_in=reply.tokens_in,
        tokens_out=reply.tokens_out,
        cut=reply.cut,
    )
