"""Delay empty fetches of brokers that do not hold them."""

import asyncio
import time
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.protocol.fetch import FetchRequest

from streamproc.kafka.compat import Send, intercept_requests, max_wait_ms

__all__ = ["throttle_fetches"]

_FIRST_SECONDS: Final = 0.002


def throttle_fetches(consumer: AIOKafkaConsumer, longest_ms: int | None = None) -> None:
    """Delay a consumer's next fetch after an empty response, up to ``fetch_max_wait_ms``.

    Kafka holds a fetch for up to ``fetch_max_wait_ms`` while it has no records. noida 0.2.3
    answers at once, and aiokafka fetches again at once: 2,700 times a second, a full core for an
    idle consumer. The pause starts short and doubles up to ``fetch_max_wait_ms``, so that a stream
    with small gaps is hardly delayed.

    Parameters
    ----------
    consumer
        A consumer, started or not. With Kafka nothing changes.
    longest_ms
        Maximum delay in milliseconds, if below the time that the broker may hold the request.
    """
    pauses: dict[Any, float] = {}  # seconds, by node

    def throttled(send: Send) -> Send:
        async def send_and_wait(node_id: Any, request: Any, **options: Any) -> Any:
            if not isinstance(request, FetchRequest):
                return await send(node_id, request, **options)
            began = time.monotonic()
            response = await send(node_id, request, **options)
            if _gave(response):
                pauses.pop(node_id, None)
                return response
            held = max_wait_ms(request)
            longest = min(held, held if longest_ms is None else longest_ms) / 1000
            pause = pauses.get(node_id, _FIRST_SECONDS)
            pauses[node_id] = min(2 * pause, longest)
            left = longest - (time.monotonic() - began)
            if left > 0:
                await asyncio.sleep(min(pause, left))
            return response

        return send_and_wait

    intercept_requests(consumer, throttled)


def _gave(response: Any) -> bool:
    """Return whether a fetch response has records, or an error to handle."""
    return any(error or records for _, parts in response.topics for _, error, *_, records in parts)
