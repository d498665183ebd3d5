from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest

from streamproc.kafka import fetch_pacing
from streamproc.kafka.fetch_pacing import (
    HOLD_MS,
    pace_fetches,
)

WAIT_MS = 50
LINGER_SECONDS = 0.010
LINGER_MS = round(LINGER_SECONDS * 1000)
START = 100.005  # half way between two multiples of the linger


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = START

    def monotonic(self) -> float:
        """Return the current time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the seconds pass."""
        self.now += seconds


class Client:
    """A client whose broker answers with the given bytes of records, each after some seconds."""

    def __init__(self, clock: Clock, *answers: tuple[float, int]) -> None:
        self._clock, self._answers = clock, list(answers)
        self.held: list[int] = []

    async def send(self, _node: int, request: Any) -> Any:
        """Answer a fetch of one partition."""
        self.held.append(request._max_wait_ms)
        seconds, size = self._answers.pop(0)
        await self._clock.sleep(seconds)
        return SimpleNamespace(topics=[("t", [(0, 0, 9, 9, [], bytes(size))])])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replace the clock of the module by one that the test reads."""
    clock = Clock()
    monkeypatch.setattr(fetch_pacing, "time", clock)
    monkeypatch.setattr(fetch_pacing, "asyncio", clock)
    return clock


def paced(client: Client, records: dict[Any, Any], linger: float = LINGER_SECONDS) -> None:
    """Pace the fetches of a consumer with these fetched records."""
    consumer: Any = SimpleNamespace(_client=client, _fetcher=SimpleNamespace(_records=records))
    pace_fetches(consumer, lambda: linger)


async def durations(clock: Clock, client: Client, fetches: int) -> list[int]:
    """Fetch some times; return the milliseconds that each one took."""
    took = []
    for _ in range(fetches):
        began = clock.now
        await client.send(1, FetchRequest(WAIT_MS, 1, 1 << 20, 0, []))
        took.append(round((clock.now - began) * 1000))
    return took


async def test_records_that_follow_others_are_coalesced(clock: Clock) -> None:
    """After a fetch with few records, the next one waits for more of them."""
    client = Client(clock, (0.0, 300), (0.0, 300), (0.0, 300))
    paced(client, {})
    assert await durations(clock, client, 3) == [0, LINGER_MS // 2, LINGER_MS]


async def test_a_record_after_a_pause_is_not_delayed(clock: Clock) -> None:
    """The fetch that waits at the broker is sent before the record exists, so it adds nothing."""
    client = Client(clock, (0.0, 300), (0.0, 0), (0.040, 300))
    paced(client, {})
    assert await durations(clock, client, 3) == [0, LINGER_MS // 2, 40]


async def test_consumers_of_a_process_fetch_at_the_same_moments(clock: Clock) -> None:
    """Two consumers whose records came at different times send the next fetches together."""
    clients = [Client(clock, (seconds, 300), (0.0, 300)) for seconds in (0.001, 0.003)]
    sent = []
    for client in clients:
        paced(client, {})
        await durations(clock, client, 1)
        came = clock.now
        await durations(clock, client, 1)
        sent.append(clock.now)
        clock.now = came
    assert sent[0] == sent[1] == pytest.approx(START + LINGER_SECONDS / 2)


async def test_records_wait_for_others_as_long_as_is_asked(clock: Clock) -> None:
    """With a linger of 100 ms there are ten fetches a second, without one they do not wait."""
    client = Client(clock, *[(0.002, 300)] * 5)
    paced(client, {}, linger=0.1)
    assert await durations(clock, client, 5) == [2, 95, 100, 100, 100]
    client = Client(clock, *[(0.002, 300)] * 3)
    paced(client, {}, linger=0.0)
    assert await durations(clock, client, 3) == [2, 2, 2]


async def test_a_backlog_is_fetched_without_pauses(clock: Clock) -> None:
    """After a large response nothing waits."""
    client = Client(clock, (0.0, 1 << 20), (0.0, 1 << 20), (0.0, 1 << 20))
    paced(client, {})
    assert await durations(clock, client, 3) == [0, 0, 0]


async def test_only_a_client_without_fetched_records_lets_the_broker_hold(clock: Clock) -> None:
    """While records wait in the client, their partition must not wait for a held fetch."""
    client, records = Client(clock, (0.0, 0), (0.0, 0)), dict[Any, Any]()
    paced(client, records)
    await durations(clock, client, 1)
    records["t", 1] = object()
    await durations(clock, client, 1)
    assert client.held == [HOLD_MS, WAIT_MS]
