"""A bounded queue before Kafka's client that leaves out its oldest record when it is full."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from streamproc.client.records import Record

# What Kafka's client has cannot be withdrawn, so it gets what one round trip needs, and no more.
_MAX_UNDER_WAY: Final = 1000


class Outgoing(NamedTuple):
    """A record with its topic, and its timestamp in milliseconds."""

    topic: str
    record: Record
    stamp: int


class DropOldestQueue:
    """Hands records over in order while few are under way; the others wait here.

    Parameters
    ----------
    hand_over
        Gives a record to Kafka's client and returns its receipt.
    max_pending
        Records that may wait or be under way, 1 or more.
    """

    def __init__(
        self,
        hand_over: Callable[[Outgoing], Awaitable["asyncio.Future[Any]"]],
        max_pending: int,
    ) -> None:
        self._hand_over = hand_over
        self._max_pending = max_pending
        self._max_under_way = max(1, min(_MAX_UNDER_WAY, max_pending // 2))
        self._records: deque[Outgoing] = deque()
        self._under_way = 0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._pump())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def put(self, outgoing: Outgoing) -> bool:
        """Queue a record; return whether one was left out for it."""
        full = len(self._records) + self._under_way >= self._max_pending
        if full and not self._records:  # max_pending is 1, and that one is under way
            return True
        if full:
            self._records.popleft()
        self._records.append(outgoing)
        self._news.set()
        return full

    def clear(self) -> int:
        """Forget what waits; return how many records that was."""
        count = len(self._records)
        self._records.clear()
        return count

    async def _pump(self) -> None:
        while True:
            while not self._records or self._under_way >= self._max_under_way:
                self._news.clear()
                await self._news.wait()
            self._under_way += 1
            receipt = await self._hand_over(self._records.popleft())
            receipt.add_done_callback(self._settled)

    def _settled(self, _: "asyncio.Future[Any]") -> None:
        self._under_way -= 1
        self._news.set()
