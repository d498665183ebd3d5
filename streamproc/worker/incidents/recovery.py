"""Recover the incidents from their topic, and find where to continue in the log."""

import logging
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from streamproc.config.config import Config
from streamproc.config.escalate_share import with_numbers
from streamproc.incidents.book import IncidentBook
from streamproc.incidents.deployments import Deployments
from streamproc.incidents.notification_groups import NotificationGroups
from streamproc.incidents.records import Position, StoredBook, StoredValues
from streamproc.kafka.log_reader import BoundedLogReader

_log = logging.getLogger(__name__)


class RecoveredBook(NamedTuple):
    """The incidents up to a position of the log."""

    book: IncidentBook
    position: Position


async def recover_book(
    config: Config, consumer: AIOKafkaConsumer, log: TopicPartition
) -> RecoveredBook:
    """Read the topic `incidents` to its end.

    Parameters
    ----------
    config
        The whole configuration.
    consumer
        Asked for the offsets of the log.
    log
        The partition of the log.

    Raises
    ------
    BrokerError, aiokafka.errors.KafkaError
        If the cluster does not return the records.
    """
    stored, values = StoredBook(), StoredValues()
    async with BoundedLogReader(config, [config.topics.full_name("incidents")]) as reader:
        async for _, records in reader:
            values.update(stored.feed(records))
    begin = (await consumer.beginning_offsets([log]))[log]
    end = (await consumer.end_offsets([log]))[log]
    position = continued(stored.position or Position(begin - 1), begin, end, log.topic)
    book = IncidentBook(
        config.policy.group_wait,
        values.incidents.values(),
        values.silences.values(),
        position.now,
        config.maintenance,
        config.inhibit,
        with_numbers(config.escalate, config.models),
        config.policy.repeat_interval,
        groups=NotificationGroups(
            config.routes,
            config.all_sinks,
            values.groups.values(),
            values.grouped.values(),
            values.incidents,
        ),
        deployments=Deployments(config.policy.deployment_grace, values.deployments.values()),
    )
    book.rewrite(stored.stale)
    if stored.position is not None:
        _log.info(
            "recovered %d incidents and %d silences; continuing at offset %d of topic %s",
            *(len(book.incidents), len(book.silences), position.next_offset, log.topic),
        )
    return RecoveredBook(book, position)


def continued(position: Position, begin: int, end: int, topic: str) -> Position:
    """Return the position before the first record that the log has to offer."""
    if position.next_offset > end:
        _log.warning(
            "topic %s ends at offset %d, before %d: it was deleted and created again; reading it"
            " from its start",
            *(topic, end, position.next_offset),
        )
        return Position(position.number, base=position.number + 1 - begin, now=position.now)
    if position.next_offset < begin:
        _log.warning(
            "topic %s begins at offset %d, after %d: alerts between them are missing in the"
            " incidents; raise its retention",
            *(topic, begin, position.next_offset),
        )
        return Position(begin - 1 + position.base, position.base, position.now)
    return position
