"""A poll waits in one event loop for records that come in another thread."""

import asyncio
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import ConsumerStoppedError, KafkaError

from streamproc.driver.standing_poll import StandingPoll

FOREVER = 5.0  # seconds; a test that reaches them fails


class Client:
    """A client in its own thread, with the fetched records of a test."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.woken = 0
        self.wanted = {"a"}
        self._closed = False
        self._fetcher = SimpleNamespace(
            _records={}, _closed=False, _create_fetch_waiter=self._waiter, _waiters=set()
        )

    def call_soon_threadsafe(self, *call: Any) -> Any:
        """Count how often another thread wakes this one."""
        self.woken += 1
        return self.loop.call_soon_threadsafe(*call)

    def create_task(self, work: Any) -> Any:
        """Start a task in this thread."""
        return self.loop.create_task(work)

    def _waiter(self) -> "asyncio.Future[None]":
        waiter = self.loop.create_future()
        waiters = self._fetcher._waiters
        waiters.add(waiter)
        waiter.add_done_callback(waiters.discard)
        return waiter

    async def drain(self) -> Any:
        """Return the wanted records."""
        assert threading.current_thread() is self.thread
        records = self._fetcher._records
        return {tp: records.pop(tp) for tp in self.wanted & records.keys()}

    async def fetched(self, error: Exception | None = None, **records: list[int]) -> None:
        """Have records fetched, or an error of the group."""

        async def come() -> None:
            self._fetcher._records.update(records)
            for waiter in self._fetcher._waiters:
                if error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(error)

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(come(), self.loop))

    async def idle(self) -> None:
        """Wait until the thread has done what it was woken for."""

        async def nothing() -> None:
            await asyncio.sleep(0)

        for _ in range(3):
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(nothing(), self.loop))


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Run a client."""
    made = Client()
    yield made
    made.loop.call_soon_threadsafe(made.loop.stop)
    made.thread.join()
    made.loop.close()


@pytest.fixture
async def polls(client: Client) -> StandingPoll:
    """Return the polls of the client."""
    made: Any = client
    polls = StandingPoll(made, made)
    await client.idle()
    return polls


def started(client: Client, polls: StandingPoll) -> "asyncio.Task[Any]":
    """Start a poll."""
    return asyncio.create_task(polls.poll(client.drain, FOREVER))


async def test_records_come_to_a_poll_without_waking_the_thread(
    client: Client, polls: StandingPoll
) -> None:
    """A poll costs the client's thread nothing until something was fetched."""
    woken = client.woken
    for number in range(3):
        polling = started(client, polls)
        await asyncio.sleep(0)
        await client.fetched(a=[number])
        assert await polling == {"a": [number]}
    assert client.woken == woken


async def test_records_that_wait_are_returned_at_once(client: Client, polls: StandingPoll) -> None:
    """What was fetched between two polls needs no further response."""
    await client.fetched(a=[1])
    assert await started(client, polls) == {"a": [1]}


async def test_a_poll_ends_without_records(client: Client, polls: StandingPoll) -> None:
    """After its time a poll returns nothing, and the next one gets what comes."""
    assert await polls.poll(client.drain, 0.0) == {}
    polling = started(client, polls)
    await asyncio.sleep(0)
    await client.fetched(a=[1])
    assert await polling == {"a": [1]}


async def test_records_that_nobody_wants_do_not_end_a_poll(
    client: Client, polls: StandingPoll
) -> None:
    """While an agent waits, records of its partition stay; those of another one are returned."""
    await client.fetched(b=[1])
    polling = started(client, polls)
    await client.idle()
    assert not polling.done()
    await client.fetched(a=[2])
    assert await polling == {"a": [2]}
    assert client._fetcher._records == {"b": [1]}


async def test_a_cancelled_poll_takes_nothing(client: Client, polls: StandingPoll) -> None:
    """Records that come after a poll was given up wait for the next one."""
    polling = started(client, polls)
    await asyncio.sleep(0)
    polling.cancel()
    await asyncio.wait([polling])
    await client.fetched(a=[1])
    await client.idle()
    assert await started(client, polls) == {"a": [1]}


async def test_an_error_of_the_group_is_raised_where_the_poll_waits(
    client: Client, polls: StandingPoll
) -> None:
    """Faust ends the application on it."""
    polling = started(client, polls)
    await asyncio.sleep(0)
    await client.fetched(KafkaError("not authorized"))
    with pytest.raises(KafkaError, match="not authorized"):
        await polling


async def test_a_closed_client_is_not_polled(client: Client, polls: StandingPoll) -> None:
    """Faust's fetch loop ends on this error."""
    client._closed = True
    with pytest.raises(ConsumerStoppedError):
        await polls.poll(client.drain, FOREVER)
