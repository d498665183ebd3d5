"""Put alerts into the order of the log, and derive the incidents from it.

All workers share the partitions of `alerts` in one consumer group, and append what they read to the
log. Whoever has the partition of the log owns the incidents: publish, then commit.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition, errors

from streamproc.config.config import Config
from streamproc.incidents.entries import TYPE_HEADER, decode_entry
from streamproc.incidents.records import Position, encode_batch
from streamproc.kafka.clients import open_consumer
from streamproc.schemas.timestamps import EPOCH
from streamproc.worker.app import HEARTBEAT_SECONDS, SESSION_SECONDS
from streamproc.worker.incidents.metrics import IncidentMetrics
from streamproc.worker.incidents.recovery import RecoveredBook, recover_book
from streamproc.worker.incidents.writing import (
    PARTITION,
    IncidentLog,
    OrderedTopic,
    Outgoing,
)
from streamproc.worker.offsets import readable_end

RETRY_SECONDS: Final = 5.0
# A burst of alerts changes the same incidents again and again: they are written once per batch.
BATCH_RECORDS: Final = 500
_POLL_SECONDS: Final = 0.5
_MIN_WAIT: Final = 0.01
_MAX_MS: Final = 253_402_300_799_000  # the last whole second of the year 9999

_log = logging.getLogger(__name__)


def group_of(config: Config) -> str:
    """Return the consumer group whose members order alerts and own the incidents."""
    return f"{config.group}-incidents"


class IncidentOwner(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Append alerts to the log; apply the log if its partition is assigned to this worker.

    Parameters
    ----------
    config
        The whole configuration.
    log
        Where alerts and ticks are appended.
    incidents
        The topic `incidents`.
    metrics
        What is counted.
    """

    def __init__(
        self, config: Config, log: IncidentLog, incidents: OrderedTopic, metrics: IncidentMetrics
    ) -> None:
        self._config = config
        self._alerts = config.topics.full_name("alerts")
        self._home = TopicPartition(config.topics.full_name("incident_log"), PARTITION)
        self._log = log
        self._incidents = incidents
        self._metrics = metrics
        self._state: RecoveredBook | None = None
        self._read_at = 0.0
        self._ticking = False
        self._behind = 1  # not measured yet

    def behind(self) -> int:
        """Return the records that wait here; 1 while that is unknown, 0 after an error."""
        return self._behind

    async def run(self) -> None:
        """Work until cancelled; log errors and retry."""
        while True:
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001  detection goes on without incidents
                self._state, self._behind = None, 0
                self._metrics.released()
                self._metrics.failed()
                _log.warning(
                    "incidents: retrying in %.0f s: %r; alerts wait in topic %s meanwhile",
                    *(RETRY_SECONDS, error, self._alerts),
                )
                await asyncio.sleep(RETRY_SECONDS)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Stop owning the incidents: another worker may have them next."""
        if self._home in revoked:
            self._state = None
            self._metrics.released()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Do nothing: the incidents are recovered between two polls."""

    async def _work(self) -> None:
        self._state = None
        async with open_consumer(
            self._config,
            group_id=group_of(self._config),
            session_timeout_ms=int(SESSION_SECONDS * 1000),
            heartbeat_interval_ms=int(HEARTBEAT_SECONDS * 1000),
        ) as consumer:
            consumer.subscribe([self._alerts, self._home.topic], listener=self)
            while True:
                await self._step(consumer)

    async def _step(self, consumer: AIOKafkaConsumer) -> None:
        """Read once: alerts go into the log, and what is in the log is applied."""
        await self._recover(consumer)
        state = self._state
        batches = await consumer.getmany(
            timeout_ms=int(1000 * self._wait()), max_records=BATCH_RECORDS
        )
        applied = batches.pop(self._home, ())
        alerts = [(record.key, record.value) for batch in batches.values() for record in batch]
        if alerts:
            await self._log.alerts(alerts)
        done = {home: records[-1].offset + 1 for home, records in batches.items()}
        # A rebalance during the poll: the records may not follow on what was applied.
        if applied and state is not None and state is self._state:
            await self._apply(state, applied)
            done[self._home] = applied[-1].offset + 1
        await self._commit(consumer, done)
        await self._measure(consumer)
        await self._tick_if_due()

    async def _recover(self, consumer: AIOKafkaConsumer) -> None:
        if self._state is not None or self._home not in consumer.assignment():
            return
        found = await recover_book(self._config, consumer, self._home)
        with suppress(errors.IllegalStateError):  # it was revoked meanwhile
            consumer.seek(self._home, found.position.next_offset)
            self._state = found
            self._metrics.owned(found.book)
            await self._tick()  # the book's time may be that of an owner of yesterday

    async def _apply(self, state: RecoveredBook, records: Sequence) -> None:  # type: ignore[type-arg]
        """Apply records of the log, and publish what they change."""
        book, position = state
        for record in records:
            kind = dict(record.headers).get(TYPE_HEADER)
            entry = decode_entry(kind, record.value)
            if entry is None:
                _log.warning(
                    "skipped offset %d of topic %s: neither alert, command, version nor tick",
                    *(record.offset, self._home.topic),
                )
            book.apply(entry, time_of(record.timestamp))
        self._read_at, self._ticking = time.monotonic(), False
        position = Position(records[-1].offset + position.base, position.base, book.now)
        changes = book.take_changes()
        if changes:
            *changed, end = encode_batch(changes, position)
            await self._incidents.write([Outgoing(*record) for record in changed])
            await self._incidents.write([Outgoing(*end)])
        if self._state is state:  # else another worker has them now
            self._state = RecoveredBook(book, position)
            self._metrics.owned(book)

    async def _commit(self, consumer: AIOKafkaConsumer, done: dict[TopicPartition, int]) -> None:
        ours = {home: offset for home, offset in done.items() if home in consumer.assignment()}
        if not ours:
            return
        try:
            await consumer.commit(ours)
        except (errors.CommitFailedError, errors.IllegalStateError) as error:
            # The next member appends the alerts again; the incidents know them.
            _log.info("incidents: partitions were reassigned before this commit: %r", error)

    async def _tick_if_due(self) -> None:
        if self._due_in() <= 0 and not self._ticking:
            await self._tick()

    async def _tick(self) -> None:
        await self._log.tick()
        self._read_at, self._ticking = time.monotonic(), True

    def _due_in(self) -> float:
        """Return the seconds until something changes by itself.

        The book's time is that of the broker. Only the time that has passed since its last record
        is measured here, so the clock of this host does not matter.
        """
        due = None if self._state is None else self._state.book.next_due()
        if due is None or self._state is None:
            return _POLL_SECONDS
        left: timedelta = due - self._state.book.now
        return left.total_seconds() - (time.monotonic() - self._read_at)

    def _wait(self) -> float:
        return (
            _POLL_SECONDS if self._ticking else min(_POLL_SECONDS, max(_MIN_WAIT, self._due_in()))
        )

    async def _measure(self, consumer: AIOKafkaConsumer) -> None:
        behind, known = 0, bool(consumer.assignment())
        for home in consumer.assignment():
            with suppress(errors.IllegalStateError):  # it was revoked
                end = readable_end(consumer, home)
                known &= end is not None
                behind += max(0, (end or 0) - await consumer.position(home))
        self._behind = behind if known else max(1, behind)
        self._metrics.lag(behind)


def time_of(milliseconds: int) -> datetime:
    """Return the time of a record's timestamp, within the years that there are."""
    return EPOCH + timedelta(milliseconds=min(max(milliseconds, 0), _MAX_MS))
