"""Read the alerts before a sink's position, from which it knows the open incidents."""

from collections.abc import Callable, Mapping
from typing import Final

from aiokafka import TopicPartition

from streamproc.config.config import Config
from streamproc.kafka.log_reader import BoundedLogReader

# Alerts per partition: days of them, and a second to read. Incidents that began before are known
# from their next alert on.
MAX_RECORDS: Final = 2_000


async def read_history(
    config: Config, ends: Mapping[TopicPartition, int], remember: Callable[[bytes], None]
) -> None:
    """Pass the last alerts before the given offsets to `remember`, in the order of each partition.

    Raises
    ------
    BrokerError
        If the cluster does not answer.
    """
    topics = {home.topic for home in ends}
    until = {(home.topic, home.partition): end for home, end in ends.items()}
    async with BoundedLogReader(config, topics, until, last=MAX_RECORDS) as log:
        async for _, records in log:
            for record in records:
                remember(record.value or b"")
