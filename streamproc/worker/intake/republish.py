"""Map the slices of foreign topics, and publish the native events by model."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from streamproc.alerting.input_alerts import unmapped_alert
from streamproc.alerting.origin import Origin
from streamproc.config.config import Config
from streamproc.decode.payloads import WHOLE_RECORD
from streamproc.decode.unreadable_share import UnreadableShare
from streamproc.intake.frames import SchemaRef, Schemas
from streamproc.intake.mapper import NativeEvent, mappers
from streamproc.intake.records import MappedSlice, map_records
from streamproc.schemas.alerts import AlertEvent
from streamproc.worker.batch_writer import Batches, Pair
from streamproc.worker.intake.merge import MergedRecord
from streamproc.worker.intake.metrics import IntakeMetrics
from streamproc.worker.publisher import AlertPublisher

# Records mapped between two turns of the event loop: some ten milliseconds.
CHUNK: Final = 500
# Bytes of such records, of which each may hold thousands of events: one more may begin.
CHUNK_BYTES: Final = 2**20

_log = logging.getLogger(__name__)


class Republisher:
    """Publish the native events of slices.

    Parameters
    ----------
    config
        Entries of `intake`, and names of the native topics.
    producer
        Waits for all replicas (``acks=all``).
    publisher
        Publishes dead letters, and alerts about them.
    metrics
        What is counted; also an attribute.
    alerted
        Called with the detector of each alert.
    """

    def __init__(
        self,
        config: Config,
        producer: AIOKafkaProducer,
        publisher: AlertPublisher,
        metrics: IntakeMetrics,
        alerted: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._names = {
            kind: config.topics.full_name(kind) for kind in ("predictions", "features", "labels")
        }
        self._limit = config.limits.record_bytes
        self._mapper_of = mappers(config)
        self._producer = producer
        self._publisher = publisher
        self._unreadable = UnreadableShare()
        self._alerted = alerted
        self.metrics = metrics

    def schemas_of(self, topic: str, records: Sequence[MergedRecord]) -> frozenset[SchemaRef]:
        """Return the schemas of a registry that are needed to publish some records."""
        mapper = self._mapper_of(topic)
        if mapper is None:
            return frozenset()
        return frozenset(mapper.schemas_of(each.record for each in records))

    async def publish(
        self, topic: str, records: Sequence[MergedRecord], schemas: Schemas | None = None
    ) -> None:
        """Publish the events of some records; when this returns, they may be acknowledged.

        `schemas` are at least those of `schemas_of`; None if no registry is configured.

        The cluster confirms all events before. A crash in between repeats events, byte for byte
        and with the same ids, so that the native topics' readers drop them.
        """
        mapper = self._mapper_of(topic)
        if mapper is None:  # its entry was removed since the group subscribed
            return
        for part in _chunks(records):
            found = map_records(mapper, part, topic, schemas)
            self._refuse_large(found, topic)
            await self._publish(found.events)
            await self._publisher.publish(self._alerts(topic, part, found), found.dead_letters)
            self.metrics.slice(topic, len(part), found)
            await asyncio.sleep(0)  # the client's heartbeats and commits need their turns

    def _alerts(
        self, topic: str, records: Sequence[MergedRecord], found: MappedSlice
    ) -> list[AlertEvent]:
        """Report a topic most of whose records cannot become events, and its recovery."""
        if not found.dead_letters and topic not in self._unreadable.models:
            return []
        letters = {
            (letter.partition, letter.offset): letter
            for letter in found.dead_letters
            if letter.index == WHOLE_RECORD
        }
        alerts: list[AlertEvent] = []
        for position, (partition, record) in enumerate(records):
            letter = letters.get((partition, record.offset))
            if letter is None and topic not in self._unreadable.models:
                continue
            for finding in self._unreadable.count(position, topic, letter):
                ts = record.timestamp / 1000
                origin = Origin(topic, partition, record.offset, 0, ts, None)
                alert = unmapped_alert(finding, origin, datetime.now(UTC))
                finding.share.incident = alert.incident_id
                alerts.append(alert)
                self._alerted(alert.detector)
        return alerts

    def _refuse_large(self, found: MappedSlice, topic: str) -> None:
        """Drop events that the native topics' readers would refuse; only rows can become longer."""
        large = [event for event in found.events if len(event.body) > self._limit]
        for event in large:
            _log.error(
                "an event of model %r from topic %s is dropped: it has %d bytes, more than"
                " limits.record_bytes (%d)",
                *(event.model_id, topic, len(event.body), self._limit),
            )
        if large:
            found.events = [event for event in found.events if len(event.body) <= self._limit]

    async def _publish(self, events: Sequence[NativeEvent]) -> None:
        """Write events to the partition of their model, in order, as single records.

        Single records without headers are what native decoding is fastest at.
        """
        batches: dict[tuple[str, int], list[Pair]] = {}
        # By topic and model: the key and its batch. murmur2 takes longer than the rest.
        homes: dict[tuple[str, str], tuple[bytes, list[Pair]]] = {}
        for event in events:
            home = homes.get((event.to, event.model_id))
            if home is None:
                key, topic = event.model_id.encode(), self._names[event.to]
                count = len(await self._producer.partitions_for(topic))
                partition = (murmur2(key) & 0x7FFFFFFF) % count
                home = key, batches.setdefault((topic, partition), [])
                homes[event.to, event.model_id] = home
            home[1].append((home[0], event.body))
        for (topic, partition), pairs in batches.items():
            writer = Batches(self._producer, topic, partition)
            await writer.write(pairs)
            for place in writer.lost:
                model_id = pairs[place][0].decode()
                _log.error(
                    "an event of model %r is lost: topic %s rejects its size", model_id, topic
                )


def _chunks(records: Sequence[MergedRecord]) -> Iterator[Sequence[MergedRecord]]:
    """Split records, so that what they become fits into memory and the event loop has its turns."""
    first = size = 0
    for at, merged in enumerate(records):
        if at - first == CHUNK or size >= CHUNK_BYTES:
            yield records[first:at]
            first, size = at, 0
        size += len(merged.record.value or b"")
    if first < len(records):
        yield records[first:]
