"""How fetches are repeated while only records come, and when aiokafka decides again."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.subscription_state import Assignment
from aiokafka.protocol.fetch import FetchRequest
from wire_format import Put, batch

from streamproc.kafka.fetch_repeater import repeat_fetches
from streamproc.kafka.fetched_records import read_leniently
from streamproc.kafka.repeated_fetch import requested_offsets

ONE, OTHER = TopicPartition("t", 0), TopicPartition("t", 1)
SESSION = 77
UNKNOWN_SESSION, OUT_OF_RANGE = 70, 1


class Broker:
    """A consumer of two partitions, and the broker that answers it when a test lets it."""

    def __init__(self) -> None:
        self.assignment = Assignment({ONE, OTHER})
        self._subscription = SimpleNamespace(
            subscription=SimpleNamespace(assignment=self.assignment)
        )
        self._client_rack, self._isolation_level = None, "read_committed"
        self._client = self.cluster = self
        self._fetcher = SimpleNamespace(
            _records={},
            _fetch_waiters=set(),
            _notify=lambda waiter: waiter.set_result(None),
            _in_flight={1},
            _wait_consume_future=None,
            _prefetch_backoff=60.0,
        )
        self.listeners: list[Callable[[Any], None]] = []
        self.add_listener = self.listeners.append
        self.leader_for_partition = lambda _: 1
        self.requests: asyncio.Queue[Any] = asyncio.Queue()
        self.answers: asyncio.Queue[Any] = asyncio.Queue()
        for tp in (ONE, OTHER):
            self.assignment.state_value(tp).reset_to(0)

    async def send(self, _node: int, request: Any) -> Any:
        """Show a request to the test, and return its answer."""
        self.requests.put_nowait(request)
        return await self.answers.get()

    def answer(self, *found: Any, session: int = 0, error: int = 0) -> None:
        """Answer a fetch with partitions: number, error and number of records."""
        parts = [
            (number, code, 100, 100, 0, None, -1, self._batch(number, count))
            for number, code, count in found
        ]
        self.answers.put_nowait(
            SimpleNamespace(
                API_VERSION=11,
                error_code=error,
                session_id=session,
                topics=[("t", parts)] if parts else [],
            )
        )

    def _batch(self, number: int, count: int) -> bytes | None:
        position = self.assignment.state_value(TopicPartition("t", number))._position or 0
        return batch([Put(b"v")] * count, base=position) if count else None

    def fetch(self, *partitions: TopicPartition) -> "asyncio.Task[Any]":
        """Send what aiokafka's loop would send."""
        at = {tp: self.assignment.state_value(tp).position for tp in partitions or (ONE, OTHER)}
        asked = [(tp.partition, position, 1000) for tp, position in at.items()]
        return asyncio.create_task(self.send(1, FetchRequest(50, 1, 1000, 1, [("t", asked)])))

    async def sent(self) -> Any:
        """Return the next request; whatever it names must be wanted."""
        async with asyncio.timeout(5):
            return await self.requests.get()

    async def fetched(self, *numbers: int) -> dict[int, list[int]]:
        """Wait until records were fetched, and read them."""
        come = asyncio.get_running_loop().create_future()
        self._fetcher._fetch_waiters.add(come)
        async with asyncio.timeout(5):
            await come
        self._fetcher._fetch_waiters.clear()
        found = self.read(*numbers)
        for _ in range(3):  # a repetition that does not wait for the others would begin now
            await asyncio.sleep(0)
        return found

    def read(self, *numbers: int) -> dict[int, list[int]]:
        """Read fetched records, of some partitions or all; return their offsets."""
        records, found = self._fetcher._records, {}
        for tp in [each for each in records if not numbers or each.partition in numbers]:
            found[tp.partition] = [record.offset for record in records[tp].getall()]
            del records[tp]
        return found


@pytest.fixture
async def broker() -> Broker:
    """Make a consumer whose fetches are repeated."""
    made: Any = Broker()
    read_leniently(made, lambda: 1 << 20)
    repeat_fetches(made)
    return made


def named(request: Any) -> dict[int, int]:
    """Return the partitions that a request names, with their offsets."""
    return {number: offset for _, parts in request.topics for number, offset, _ in parts}


async def ended(fetching: "asyncio.Task[Any]") -> Any:
    """Return the response that aiokafka gets."""
    async with asyncio.timeout(5):
        return await fetching


async def test_a_fetch_is_repeated_once_its_records_were_read(broker: Broker) -> None:
    """The next one begins where the reader is, and not before it has read everything."""
    fetching = broker.fetch()
    await broker.sent()
    broker.answer((0, 0, 3), (1, 0, 1))
    assert await broker.fetched(0) == {0: [0, 1, 2]}
    assert broker.requests.empty()
    assert broker.read(1) == {1: [0]}
    request = await broker.sent()
    assert requested_offsets(request) == {("t", 0): 3, ("t", 1): 1}
    assert not fetching.done()
    fetching.cancel()


async def test_a_session_names_only_partitions_that_changed(broker: Broker) -> None:
    """A broker with many partitions is asked for the few that had records."""
    fetching = broker.fetch()
    await broker.sent()
    broker.answer((0, 0, 0), (1, 0, 0))
    first = await broker.sent()
    assert (first.session, named(first)) == ((0, 0), {0: 0, 1: 0})
    broker.answer((0, 0, 0), (1, 0, 2), session=SESSION)
    assert await broker.fetched() == {1: [0, 1]}
    second = await broker.sent()
    assert (second.session, named(second)) == ((SESSION, 1), {1: 2})
    assert requested_offsets(second) == {("t", 0): 0, ("t", 1): 2}
    broker.answer(session=SESSION)
    third = await broker.sent()
    assert (third.session, named(third)) == ((SESSION, 2), {})
    fetching.cancel()


async def test_a_seek_within_a_session_is_requested(broker: Broker) -> None:
    """Wherever a partition is moved to, the next request names it."""
    fetching = broker.fetch()
    await broker.sent()
    broker.answer((0, 0, 0), (1, 0, 0))
    await broker.sent()
    broker.assignment.state_value(ONE).seek(9)
    broker.answer(session=SESSION)
    assert named(await broker.sent()) == {0: 9}
    fetching.cancel()


@pytest.mark.parametrize("change", ["error", "session", "seek", "late"])
async def test_aiokafka_decides_what_an_unusual_answer_means(broker: Broker, change: str) -> None:
    """After an error, or records from before a seek, nothing is delivered by a repeated fetch."""
    fetching = broker.fetch()
    await broker.sent()
    broker.answer((0, 0, 0), (1, 0, 0))
    await broker.sent()
    if change == "error":
        broker.answer((0, OUT_OF_RANGE, 0), (1, 0, 2), session=SESSION)
    elif change == "session":
        broker.answer(error=UNKNOWN_SESSION)
    elif change == "seek":
        broker.answer((0, 0, 2), session=SESSION)
        broker.assignment.state_value(ONE).seek(9)
    else:
        broker.assignment.unassign_future.set_result(None)
        broker.answer((0, 0, 2), session=SESSION)
    assert (await ended(fetching)).topics == []
    assert broker.read() == {}


async def test_the_first_answer_is_left_as_it_is_if_it_is_unusual(broker: Broker) -> None:
    """An error reaches aiokafka with the request that it belongs to."""
    fetching = broker.fetch()
    await broker.sent()
    broker.answer((0, OUT_OF_RANGE, 0), (1, 0, 2))
    [(_, parts)] = (await ended(fetching)).topics
    assert [part[:2] for part in parts] == [(0, OUT_OF_RANGE), (1, 0)]


@pytest.mark.parametrize("change", ["metadata", "reset", "paused", "unread", "large"])
async def test_aiokafka_decides_when_not_all_can_be_fetched(broker: Broker, change: str) -> None:
    """Another leader, a position that is not known, and a reader that waits end the repetition."""
    fetching = broker.fetch()
    await broker.sent()
    if change == "unread":
        broker._fetcher._prefetch_backoff = 0.0
    elif change == "metadata":
        broker.listeners[0](None)
    elif change == "reset":
        broker.assignment.state_value(OTHER)._position = None
    elif change == "paused":
        broker.assignment.state_value(OTHER)._paused = True
    broker.answer((0, 0, 60_000 if change == "large" else 1))
    if change not in ("unread", "large"):
        assert await broker.fetched() == {0: [0]}
    assert (await ended(fetching)).topics == []
    assert broker.requests.empty()


async def test_a_fetch_of_some_partitions_is_not_repeated(broker: Broker) -> None:
    """While records of one partition wait, aiokafka fetches the others: it must see both."""
    fetching = broker.fetch(ONE)
    await broker.sent()
    broker.answer((0, 0, 1))
    assert len((await ended(fetching)).topics) == 1


async def test_a_later_session_ends_the_one_before(broker: Broker) -> None:
    """Brokers keep a thousand sessions: those of a consumer must not pile up."""
    fetching = broker.fetch()
    await broker.sent()
    broker.answer((0, 0, 0), (1, 0, 0))
    await broker.sent()
    broker.answer(session=SESSION)
    await broker.sent()
    broker.answer(error=UNKNOWN_SESSION)
    await ended(fetching)
    fetching = broker.fetch()
    await broker.sent()
    broker.answer((0, 0, 0), (1, 0, 0))
    assert (await broker.sent()).session == (SESSION, 0)
    fetching.cancel()
