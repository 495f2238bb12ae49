"""Micro-batches: who is put together, who is refused, and that nobody is forgotten."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

pytest.importorskip("fastapi")

from sentipair.serving.gathering import Gatherer
from sentipair.serving.problems import BusyError


class Doubler:
    """Doubles numbers, fails on negative ones, and remembers its batches."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.batches: list[list[int]] = []
        self.threads: set[int] = set()

    def __call__(self, items: Sequence[int]) -> list[int]:
        time.sleep(self.seconds)
        self.batches.append(list(items))
        self.threads.add(threading.get_ident())
        if min(items) < 0:
            raise ValueError("negative")
        return [2 * item for item in items]


def test_many_at_once_are_answered_in_batches_by_one_thread() -> None:
    work = Doubler()

    async def ask() -> list[list[int]]:
        gatherer = Gatherer(work, size=8)
        async with gatherer.running():
            return await asyncio.gather(*(gatherer.answer([i, i + 1000]) for i in range(50)))

    assert asyncio.run(ask()) == [[2 * i, 2 * (i + 1000)] for i in range(50)]
    assert max(map(len, work.batches)) == 8
    assert len(work.batches) <= 20
    assert len(work.threads) == 1
    assert threading.get_ident() not in work.threads


def test_what_does_not_fit_is_refused_and_the_rest_answered() -> None:
    async def ask() -> tuple[list[int], int, list[int]]:
        gatherer = Gatherer(Doubler(seconds=0.05), capacity=4)
        async with gatherer.running():
            first = asyncio.create_task(gatherer.answer([1, 2, 3]))
            await asyncio.sleep(0)
            with pytest.raises(BusyError, match=r"try again in \d+ s") as refused:
                await gatherer.answer([4, 5])
            assert gatherer.pending == 3
            answers = await first
            return answers, refused.value.seconds, await gatherer.answer([4, 5])

    answers, seconds, later = asyncio.run(ask())
    assert (answers, later) == ([2, 4, 6], [8, 10])
    assert seconds >= 1


def test_one_that_fails_does_not_spoil_the_others() -> None:
    async def ask() -> list[list[int] | BaseException]:
        gatherer = Gatherer(Doubler())
        async with gatherer.running():
            calls = (gatherer.answer([item]) for item in (1, -1, 2))
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert gatherer.pending == 0
            return results

    one, failed, two = asyncio.run(ask())
    assert (one, two) == ([2], [4])
    assert isinstance(failed, ValueError)


def test_who_gives_up_is_not_worked_for() -> None:
    work = Doubler(seconds=0.1)

    async def ask() -> None:
        gatherer = Gatherer(work, size=1)
        async with gatherer.running():
            first = asyncio.create_task(gatherer.answer([1]))
            await asyncio.sleep(0.03)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await gatherer.answer([2])
            assert await first == [2]
            assert await gatherer.answer([3]) == [6]
            assert gatherer.pending == 0

    asyncio.run(ask())
    assert work.batches == [[1], [3]]


def test_other_work_is_done_in_the_same_thread() -> None:
    work = Doubler()

    async def ask() -> int:
        gatherer = Gatherer(work, capacity=10)
        async with gatherer.running():
            await gatherer.answer([1])
            with pytest.raises(BusyError):
                await gatherer.alone(threading.get_ident, weight=11)
            thread = await gatherer.alone(threading.get_ident, weight=10)
            assert gatherer.pending == 0
            return thread

    assert asyncio.run(ask()) in work.threads


def test_room_is_kept_for_what_is_still_being_read() -> None:
    async def ask() -> tuple[list[int], int]:
        gatherer = Gatherer(Doubler(), capacity=2)
        async with gatherer.running():
            with gatherer.room(1):
                with pytest.raises(BusyError):
                    await gatherer.answer([1, 2])
                answers = await gatherer.answer([3])
            with pytest.raises(ValueError, match="unreadable"), gatherer.room(2):
                raise ValueError("unreadable")
            return answers, gatherer.pending

    assert asyncio.run(ask()) == ([6], 0)
