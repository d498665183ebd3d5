"""Read the events of a model before and after an offset of its topic."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streamproc.config.config import Config
from streamproc.join.decode import decode
from streamproc.join.entry import InputLog
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.errors import BrokerUnreachableError, TopicError
from streamproc.schemas.records import Record
from streamproc.schemas.timestamps import EPOCH, format_timestamp

READ_SECONDS: Final = 120.0
REDACTED: Final = "(redacted)"
# Records that are read in each direction at most: a model may have few events among many.
MAX_RECORDS: Final = 200_000
_FIRST_SPAN: Final = 256
_GROWTH: Final = 4
_POLL_MS: Final = 200


class EventRow(NamedTuple):
    """An event.

    Attributes
    ----------
    offset
        Offset of its record.
    ts
        Its own time, RFC 3339.
    event_id
        Its id; None if it has none.
    fields
        Its other fields, such as ``features`` and ``prediction``, as JSON gives them.
    """

    offset: int
    ts: str
    event_id: str | None
    fields: dict[str, Any]


async def rows_around(
    config: Config,
    place: tuple[str, int, int],
    model_id: str,
    count: int,
    segment: Mapping[str, str] | None = None,
) -> tuple[list[EventRow], list[EventRow]]:
    """Return events of a model before an offset, and from it on, in log order.

    Values of features and tags that `config.redact` names are replaced by `REDACTED`.

    Parameters
    ----------
    config
        Brokers, topics, and the limits by which events are decoded.
    place
        Topic of predictions, features or outcomes, partition and offset.
    model_id
        The model.
    count
        Number of events on each side; fewer are returned at an end of the log, and after
        `MAX_RECORDS` records.
    segment
        Tags that the events have; None: any.

    Raises
    ------
    TopicError
        If the record at the offset has been deleted.
    BrokerUnreachableError, BrokerAuthError
        If the cluster does not answer, or rejects the login.
    """
    topic, partition, offset = place
    home = TopicPartition(topic, partition)
    async with open_consumer(config) as consumer, _answering(config, home):
        consumer.assign([home])
        begin = (await consumer.beginning_offsets([home]))[home]
        end = (await consumer.end_offsets([home]))[home]
        if offset < begin:
            raise TopicError(
                f"{topic}-{partition} begins at offset {begin}: the events around offset {offset}"
                " have been deleted; a longer retention.ms would have them"
            )

        async def read(start: int, stop: int) -> list[EventRow]:
            records = await _read(consumer, home, start, stop)
            rows = _rows(config, topic, partition, model_id, records)
            return [_redacted(config, row) for row in rows if _is_in(segment, row)]

        before: list[EventRow] = []
        at, span = offset, _FIRST_SPAN
        while len(before) < count and at > max(begin, offset - MAX_RECORDS):
            start = max(begin, at - span)
            before = await read(start, at) + before
            at, span = start, span * _GROWTH
        after: list[EventRow] = []
        at, span = offset, _FIRST_SPAN
        while len(after) < count and at < min(end, offset + MAX_RECORDS):
            stop = min(end, at + span)
            after += await read(at, stop)
            at, span = stop, span * _GROWTH
    return before[-count:], after[:count]


@asynccontextmanager
async def _answering(config: Config, home: TopicPartition) -> AsyncIterator[None]:
    """Report a cluster that stops answering."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            yield
    except (KafkaError, TimeoutError) as error:
        raise BrokerUnreachableError(
            f"{config.broker} did not return the events of {home.topic}-{home.partition}"
            f" ({str(error) or f'no end within {READ_SECONDS:.0f} s'}): check that it has a leader,"
            " and try a smaller -n"
        ) from error


async def _read(
    consumer: AIOKafkaConsumer, home: TopicPartition, start: int, stop: int
) -> list[Record]:
    consumer.seek(home, start)
    found: list[Record] = []
    while await consumer.position(home) < stop:
        for records in (await consumer.getmany(home, timeout_ms=_POLL_MS)).values():
            found += [record for record in records if record.offset < stop]
    return found


def _rows(
    config: Config, topic: str, partition: int, model_id: str, records: Sequence[Record]
) -> list[EventRow]:
    topics = config.topics
    if topic == topics.full_name("outcomes"):
        return [row for record in records for row in _outcome(model_id, record)]
    log = InputLog.FEATURES if topic == topics.full_name("features") else InputLog.PREDICTIONS
    names = topics.full_name("predictions"), topics.full_name("features"), ""
    found = decode([(log, record) for record in records], config, names, partition, lambda _: ())
    return [
        EventRow(
            item.offset,
            format_timestamp(EPOCH + timedelta(seconds=item.ts)),
            item.event_id,
            msgspec.json.decode(b"{" + item.content + b"}"),
        )
        for item in found.items
        if item.model_id == model_id
    ]


def _outcome(model_id: str, record: Record) -> list[EventRow]:
    """Return an outcome with a label as a row; marks and other outcomes give none."""
    try:
        value = msgspec.json.decode(record.value or b"null")
    except msgspec.DecodeError:
        return []
    if not isinstance(value, dict) or value.get("model_id") != model_id or "label" not in value:
        return []
    names = "model_version", "tags", "features", "prediction", "label", "status"
    fields = {name: value[name] for name in names if value.get(name) is not None}
    return [EventRow(record.offset, str(value.get("ts")), value.get("event_id"), fields)]


def _is_in(segment: Mapping[str, str] | None, row: EventRow) -> bool:
    tags = row.fields.get("tags") or {}
    return all(tags.get(name) == value for name, value in (segment or {}).items())


def _redacted(config: Config, row: EventRow) -> EventRow:
    for part in ("features", "tags"):
        for name in row.fields.get(part) or ():
            if any(fnmatchcase(name, glob) for glob in config.redact):
                row.fields[part][name] = REDACTED
    return row
