"""Wait in one event loop for records that a client fetches in another thread."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import ConsumerStoppedError
from faust.transport.consumer import RecordMap

from streamproc.kafka.compat import fetched_records, fetcher_of, is_closed, next_fetch

__all__ = ["StandingPoll"]

Drain = Callable[[], Awaitable[RecordMap]]


class StandingPoll:
    """Answer polls when records come, without waking the client's thread for each poll.

    A poll is left where the client's thread finds it. That thread is woken only if fetched records
    wait already; otherwise the next response wakes it anyway. One poll may wait at a time.

    Parameters
    ----------
    consumer
        A started consumer.
    thread_loop
        The event loop that it runs in.
    """

    def __init__(self, consumer: AIOKafkaConsumer, thread_loop: asyncio.AbstractEventLoop) -> None:
        self._fetcher: Any = fetcher_of(consumer)
        self._consumer: Any = consumer
        self._thread_loop = thread_loop
        # Whoever removes the poll answers it: both threads may try at the same moment.
        self._waiting: deque[_Poll] = deque()
        self._answers: set[asyncio.Task[None]] = set()
        thread_loop.call_soon_threadsafe(self._start)

    async def poll(self, drain: Drain, seconds: float) -> RecordMap:
        """Return records as soon as there are some; none after some seconds.

        Parameters
        ----------
        drain
            Returns the fetched records that are wanted; called in the client's thread.
        seconds
            How long to wait.

        Raises
        ------
        ConsumerStoppedError
            If the consumer is closed.
        """
        if is_closed(self._consumer) or is_closed(self._fetcher):
            raise ConsumerStoppedError
        loop = asyncio.get_running_loop()
        poll = _Poll(drain, loop)
        self._waiting.append(poll)
        if fetched_records(self._fetcher):
            self._thread_loop.call_soon_threadsafe(self._serve)
        timer = loop.call_later(seconds, self._expire, poll)
        try:
            return await poll.records
        finally:
            timer.cancel()
            if not poll.records.done() or poll.records.cancelled():
                self._waiting.clear()

    def _expire(self, poll: "_Poll") -> None:
        poll.expired = True
        if self._taken() and not poll.records.done():
            poll.records.set_result({})

    def _taken(self) -> "_Poll | None":
        try:
            return self._waiting.pop()
        except IndexError:
            return None

    # In the client's thread

    def _start(self) -> None:
        self._watch()
        self._serve()

    def _watch(self) -> None:
        next_fetch(self._fetcher).add_done_callback(self._on_fetched)

    def _on_fetched(self, waiter: "asyncio.Future[None]") -> None:
        if not is_closed(self._fetcher):
            self._watch()
        self._serve(None if waiter.cancelled() else waiter.exception())

    def _serve(self, error: BaseException | None = None) -> None:
        poll = self._taken()
        if poll is None:
            return
        if error is not None:
            poll.answer(error)
            return
        task = self._thread_loop.create_task(self._answer(poll))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _answer(self, poll: "_Poll") -> None:
        try:
            found = await poll.drain()
        except BaseException as error:  # noqa: BLE001  raised where the poll waits
            poll.answer(error)
            return
        if found:
            poll.answer(found)
            return
        self._waiting.append(poll)  # the records are of partitions that nobody wants now
        if poll.expired and self._taken():
            poll.answer({})


class _Poll:
    """A poll that waits in a loop."""

    def __init__(self, drain: Drain, loop: asyncio.AbstractEventLoop) -> None:
        self.drain = drain
        self.expired = False
        self.records: asyncio.Future[RecordMap] = loop.create_future()
        self._loop = loop

    def answer(self, found: RecordMap | BaseException) -> None:
        """Give the records, or an error, from another thread."""
        self._loop.call_soon_threadsafe(self._resolve, found)

    def _resolve(self, found: RecordMap | BaseException) -> None:
        if self.records.done():
            return
        if isinstance(found, asyncio.CancelledError):
            self.records.cancel()
        elif isinstance(found, BaseException):
            self.records.set_exception(found)
        else:
            self.records.set_result(found)
