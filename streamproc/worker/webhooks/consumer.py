"""Consume the alerts or incidents for one sink, and commit those that are done."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition, errors

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.log_reader import BoundedLogReader
from streamproc.sinks.delivery import Delivery, StandingOf, no_standing
from streamproc.sinks.metrics import Counts
from streamproc.sinks.targets import Target
from streamproc.worker.app import HEARTBEAT_SECONDS, SESSION_SECONDS
from streamproc.worker.offsets import readable_end
from streamproc.worker.webhooks.failures import DropReporter, PublishAlert
from streamproc.worker.webhooks.offsets import group_of

RETRY_SECONDS: Final = 5.0
# Alerts that a webhook skips are committed this often: there may be thousands a second.
COMMIT_SECONDS: Final = 1.0
_POLL_MS: Final = 500
# Fetched bytes per partition; a single record may be larger.
_FETCH_BYTES: Final = 2**18

_log = logging.getLogger(__name__)


class AlertConsumer:
    """Deliver the alerts of its partitions to a target, one after another.

    The topic is the queue: while the target rejects an alert, the consumer keeps its position, and
    only fetched records are in memory. The next owner of a partition resumes at the first alert
    that is not committed.

    Parameters
    ----------
    config
        The whole configuration.
    target
        The webhook's target.
    counts
        Its metrics.
    publish
        Publishes an alert about drops.
    standing
        Returns whether an alert is silenced.
    """

    def __init__(
        self,
        config: Config,
        target: Target,
        counts: Counts,
        publish: PublishAlert,
        standing: StandingOf,
    ) -> None:
        self._standing = standing
        self._config = config
        self._topic = config.topics.full_name(target.topic)
        self._target = target
        self._counts = counts
        self._drops = DropReporter(target.settings.name, publish)
        self._done: dict[TopicPartition, int] = {}
        self._known: set[TopicPartition] = set()
        self._committed = 0.0

    async def run(self) -> None:
        """Consume until cancelled; log errors and retry."""
        target = self._target
        async with target.open_send() as send:
            # The status of an incident takes silences and acceptances into account already.
            standing = no_standing if target.follows_incidents else self._standing
            delivery = Delivery(target, send, self._counts, standing=standing)
            while True:
                try:
                    await self._read(delivery)
                except Exception as error:  # noqa: BLE001  a webhook must not stop the worker
                    _log.warning(
                        "webhook %s: cannot read topic %s: retrying in %.0f s (%r)",
                        *(target.settings.name, self._topic, RETRY_SECONDS, error),
                    )
                    self._counts.lag(0)  # no partition is assigned now
                    await asyncio.sleep(RETRY_SECONDS)

    async def _read(self, delivery: Delivery) -> None:
        self._done.clear()
        self._known.clear()
        async with open_consumer(
            self._config,
            self._topic,
            group_id=group_of(self._config, self._target),
            session_timeout_ms=int(SESSION_SECONDS * 1000),
            heartbeat_interval_ms=int(HEARTBEAT_SECONDS * 1000),
            max_partition_fetch_bytes=_FETCH_BYTES,
        ) as consumer:
            while True:
                await self._deliver_next(consumer, delivery)

    async def _deliver_next(self, consumer: AIOKafkaConsumer, delivery: Delivery) -> None:
        """Deliver the next alert, if there is one, and commit it only afterwards."""
        await self._know_history(consumer, delivery)
        batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=1)
        # The alert being delivered counts as lag, too.
        self._counts.lag(await _lag(consumer) + len(batches))
        again_in = None
        for home, [record] in batches.items():
            if home not in self._known:  # assigned during this poll
                with suppress(errors.IllegalStateError):  # and revoked again
                    consumer.seek(home, record.offset)
                continue
            again_in, final = await delivery.take(record.value or b"", record.timestamp / 1000)
            await self._drops.report(home, record.offset, delivery.taken)
            if again_in is None:
                self._done[home] = record.offset + 1
                await self._commit(consumer, at_once=final)
            else:
                with suppress(errors.IllegalStateError):  # the partition was revoked
                    consumer.seek(home, record.offset)
        if not batches:
            await self._commit(consumer, at_once=False)
        self._counts.lag(await _lag(consumer))
        if again_in is not None:
            await asyncio.sleep(again_in)

    async def _know_history(self, consumer: AIOKafkaConsumer, delivery: Delivery) -> None:
        """Read what was handled of newly assigned partitions, if the sink follows incidents."""
        assigned = consumer.assignment()
        self._known &= assigned
        new = assigned - self._known
        if new and self._target.needs_history:
            try:
                ends = {home: await consumer.position(home) for home in new}
            except errors.IllegalStateError:  # revoked meanwhile
                return
            await read_history(self._config, ends, delivery.remember)
        self._known |= new

    async def _commit(self, consumer: AIOKafkaConsumer, *, at_once: bool) -> None:
        now = time.monotonic()
        if not self._done or not (at_once or now - self._committed > COMMIT_SECONDS):
            return
        ours = consumer.assignment()
        done = {home: offset for home, offset in self._done.items() if home in ours}
        self._done.clear()
        self._committed = now
        try:
            await consumer.commit(done)
        except (errors.CommitFailedError, errors.IllegalStateError) as error:
            # The new owner sends them again; receivers drop duplicates.
            _log.info(
                "webhook %s: its partitions were reassigned before this commit: %r",
                *(self._target.settings.name, error),
            )


async def _lag(consumer: AIOKafkaConsumer) -> int:
    """Return the records of the assigned partitions that are not done."""
    lag = 0
    for home in consumer.assignment():
        with suppress(errors.IllegalStateError):  # the partition was revoked
            lag += max(0, (readable_end(consumer, home) or 0) - await consumer.position(home))
    return lag


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
