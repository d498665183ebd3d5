"""Coalesce small fetches, and let the broker hold the fetches of an idle consumer for longer."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.protocol.fetch import FetchRequest

from streamproc.kafka.compat import (
    Send,
    fetched_records,
    fetcher_of,
    hold_fetch,
    intercept_requests,
)

__all__ = ["HOLD_MS", "LINGER_SECONDS", "pace_fetches"]

#: Seconds between two fetches of the same broker while records come, by default. A fetch and the
#: slices that it gives cost some two milliseconds of CPU, whether they hold one record or thirty:
#: 10 ms here take three to five times the CPU. Consumers of librdkafka usually wait as long for a
#: batch. A record that comes later than this after the previous one is not delayed.
LINGER_SECONDS: Final = 0.100
#: Bytes of a response from which on the next fetch is sent at once: there is a backlog.
_LARGE_BYTES: Final = 1 << 18
#: Milliseconds that the broker may hold a fetch while no fetched record waits in the client: four
#: fetches a second on an idle topic. Other requests on the same connection wait behind it.
HOLD_MS: Final = 250


def pace_fetches(
    consumer: AIOKafkaConsumer, linger: Callable[[], float] = lambda: LINGER_SECONDS
) -> None:
    """Send a consumer's next fetch some milliseconds after one with few records.

    Kafka answers a fetch as soon as it has one record (``fetch.min.bytes``), so a topic with 1,000
    events a second would be fetched nearly 1,000 times. Waiting in the client instead of in the
    broker delays only records that follow others, and needs no setting of the broker.

    The next fetch is sent at the next multiple of the linger, so that all consumers of a process
    fetch at the same moments: what one of them passes on is not fetched one record at a time by the
    next, and the process wakes up less often.

    Fetches are held for `HOLD_MS` instead of ``fetch_max_wait_ms`` when no fetched record waits in
    the client. Otherwise the records of one partition may be taken while the fetch of the others
    is held, and aiokafka has one fetch in flight per broker.

    Parameters
    ----------
    consumer
        A consumer, started or not.
    linger
        Returns the seconds to wait at most.
    """
    due: dict[Any, float] = {}  # when the next fetch may be sent, by node

    def paced(send: Send) -> Send:
        async def send_paced(node_id: Any, request: Any, **options: Any) -> Any:
            if not isinstance(request, FetchRequest):
                return await send(node_id, request, **options)
            early = due.pop(node_id, 0.0) - time.monotonic()
            if early > 0:
                await asyncio.sleep(early)
            if not fetched_records(fetcher_of(consumer)):
                hold_fetch(request, HOLD_MS)
            response = await send(node_id, request, **options)
            if 0 < _size(response) < _LARGE_BYTES:
                due[node_id] = _next_fetch(time.monotonic(), linger())
            return response

        return send_paced

    intercept_requests(consumer, paced)


def _next_fetch(now: float, linger: float) -> float:
    """Return the next multiple of the linger on the monotonic clock, in seconds."""
    return (now // linger + 1) * linger if linger else now


def _size(response: Any) -> int:
    """Return the bytes of records in a fetch response."""
    return sum(len(parts[-1] or b"") for _, partitions in response.topics for parts in partitions)
