"""Micro-batches: requests that come at the same time are answered by one call of one worker thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from math import ceil
from time import perf_counter
from typing import Generic, TypeVar

from sentipair.serving.problems import BusyError

Item = TypeVar("Item")
Answer = TypeVar("Answer")
T = TypeVar("T")

SMOOTHING = 0.1
"""The weight of the newest batch in the mean time per item."""


class Gatherer(Generic[Item, Answer]):
    """Answers items in batches, in the order in which they came.

    Args:
        work: answers for items, one each; called in one thread only.
        size: items in a batch, at most.
        delay: seconds that an item waits for company where none is there.
        capacity: items that wait or are being worked on.
        observe: told the size of each batch and the seconds it took.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Answer]],
        *,
        size: int = 16,
        delay: float = 0.003,
        capacity: int = 128,
        observe: Callable[[int, float], None] = lambda count, seconds: None,
    ) -> None:
        self.work = work
        self.size = size
        self.delay = delay
        self.capacity = capacity
        self.observe = observe
        self.pending = 0
        self._pace = 0.02
        self._queue: asyncio.Queue[tuple[Item, asyncio.Future[Answer]]] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scoring")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the context lasts; what is being worked on at its end is finished."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self._thread.shutdown()

    async def answer(self, items: Sequence[Item]) -> list[Answer]:
        """The answers for ``items``; a caller that is cancelled takes them out of the queue.

        Raises:
            BusyError: there is no room for all of them.
            Exception: what ``work`` raised for the first item that it failed on, called with that item alone.
        """
        self.require_room(len(items))
        futures = [self._expect(item) for item in items]
        return list(await asyncio.gather(*futures))

    async def alone(self, job: Callable[[], T], *, weight: int) -> T:
        """Do ``job`` in the same thread, between two batches; it takes as much room as ``weight`` items.

        Raises:
            BusyError: there is no room for it.
        """
        self.require_room(weight)
        self.pending += weight
        future = asyncio.get_running_loop().run_in_executor(self._thread, job)
        future.add_done_callback(lambda _: self._release(weight))
        return await future

    @contextmanager
    def room(self, count: int) -> Iterator[None]:
        """Keep room for ``count`` items that are still being read, so that nothing is read that must be refused then.

        Raises:
            BusyError: there is none.
        """
        self.require_room(count)
        self.pending += count
        try:
            yield
        finally:
            self.pending -= count

    def require_room(self, count: int) -> None:
        """Refuse ``count`` items that do not fit.

        Raises:
            BusyError: with the time that what is waiting will take.
        """
        if self.pending + count > self.capacity:
            raise BusyError(max(1, ceil(self.pending * self._pace)))

    def _expect(self, item: Item) -> asyncio.Future[Answer]:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.pending += 1
        future.add_done_callback(lambda _: self._release(1))
        self._queue.put_nowait((item, future))
        return future

    def _release(self, count: int) -> None:
        self.pending -= count

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._queue.get()]
            if self._queue.empty():
                await asyncio.sleep(self.delay)
            while len(batch) < self.size and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            wanted = [(item, future) for item, future in batch if not future.done()]
            if wanted:
                results = await loop.run_in_executor(self._thread, self._timed, [item for item, _ in wanted])
                for (_, future), result in zip(wanted, results, strict=True):
                    _settle(future, result)

    def _timed(self, items: Sequence[Item]) -> list[Answer | Exception]:
        start = perf_counter()
        results = self._results(items)
        seconds = perf_counter() - start
        self._pace += SMOOTHING * (seconds / len(items) - self._pace)
        self.observe(len(items), seconds)
        return results

    def _results(self, items: Sequence[Item]) -> list[Answer | Exception]:
        """Answers; where a batch fails, its items one by one, so that one of them does not spoil the others."""
        try:
            return list(self.work(items))
        except Exception as error:
            if len(items) == 1:
                return [error]
            return [self._results([item])[0] for item in items]


def _settle(future: asyncio.Future[Answer], result: Answer | Exception) -> None:
    if future.done():  # nobody waits any more
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
