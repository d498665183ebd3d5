"""Query a broker's metadata from any thread, with or without a running event loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

REQUEST_MS = 5_000


def broker_count(address: str) -> int:
    """Return the number of brokers in a broker's metadata; 0 if it does not answer."""
    # A separate thread: the caller's may have a running event loop.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: asyncio.run(_ask(address))).result()


async def _ask(address: str) -> int:
    client = AIOKafkaClient(bootstrap_servers=address, request_timeout_ms=REQUEST_MS)
    try:
        await client.bootstrap()
        return len(client.cluster.brokers())
    except KafkaError:
        return 0
    finally:
        await client.close()
