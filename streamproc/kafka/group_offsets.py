"""Ask what a consumer group has committed."""

import asyncio
from typing import Final

from aiokafka import errors

from streamproc.config.config import Config
from streamproc.kafka.clients import REQUEST_SECONDS, open_admin

RETRY_SECONDS: Final = 0.5


async def committed_topics(config: Config) -> set[str]:
    """Return the topics of which the group of a configuration has committed any partition.

    Raises
    ------
    TimeoutError
        If the group has no coordinator within `REQUEST_SECONDS`.
    aiokafka.errors.KafkaError
        If the cluster rejects the request with an error that cannot be retried.
    """
    async with open_admin(config) as admin, asyncio.timeout(REQUEST_SECONDS):
        while True:
            try:
                found = await admin.list_consumer_group_offsets(config.group)
            except errors.KafkaError as error:  # a new cluster has no coordinator for seconds
                if not error.retriable:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
                continue
            return {tp.topic for tp, mark in found.items() if mark.offset >= 0}
