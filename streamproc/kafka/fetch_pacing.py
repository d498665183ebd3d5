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

#: Seconds between the records of one fetch and the next fetch of the same broker, by default; half
#: of it where records seldom come. A fetch and the slices that it gives cost some two milliseconds
#: of CPU, whether they hold one record or thirty: 10 ms here take three to five times the CPU.
#: Consumers of librdkafka usually wait as long for a batch. A record that comes later than this
#: after the previous one is not delayed.
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
    came: dict[Any, float] = {}  # when the last records came, by node

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
            size, now = _size(response), time.monotonic()
            if size:
                gap, came[node_id] = now - came.get(node_id, 0.0), now
                due[node_id] = now + _pause(size, gap, linger())
            return response

        return send_paced

    intercept_requests(consumer, paced)


def _pause(size: int, gap: float, linger: float) -> float:
    """Return the seconds to wait after a response with records.

    Parameters
    ----------
    size
        Bytes of its records.
    gap
        Seconds since the records before them.
    linger
        Seconds to wait at most. All of them where records come twice in that time or more often: it
        saves up to half of the fetches and slices.
    """
    if size >= _LARGE_BYTES:
        return 0.0
    return linger if gap <= 2 * linger else linger / 2


def _size(response: Any) -> int:
    """Return the bytes of records in a fetch response."""
    return sum(len(parts[-1] or b"") for _, partitions in response.topics for parts in partitions)
