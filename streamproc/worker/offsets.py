"""Read the offsets of a partition: committed, fetched, and end of the log."""

from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streamproc.driver.compat import client_of_thread, committed_offset
from streamproc.kafka.compat import position_of, stable_offset, subscription_of


class PartitionOffsets(NamedTuple):
    """Offsets of a partition; None where unknown, as during a rebalance.

    Attributes
    ----------
    committed
        Offset after the last record that the group has committed.
    fetched
        Offset after the last record that the client delivered or skipped: compaction and
        transactions leave offsets without a record.
    end
        Last stable offset: the first open transaction, or the end of the log.
    in_flight
        Whether a delivered slice is not acknowledged yet.
    log_end
        High watermark: offset after the last record of the log.
    suspect
        Whether the next records may belong to another log than the previous ones.
    out_of_range
        Requested offset that the log did not have, if the client reset to its beginning.
    """

    committed: int | None = None
    fetched: int | None = None
    end: int | None = None
    in_flight: bool = False
    log_end: int | None = None
    suspect: bool = False
    out_of_range: int | None = None

    def lag(self, handled: int | None) -> int:
        """Return the lag in records, given the offset after the last processed record.

        At least 1 while the end is unknown.
        """
        if self.end is None or self.fetched is None:
            return 1
        if self.fetched >= self.end and not self.in_flight:
            return 0  # even if the last offsets of the log hold no record
        known = [offset for offset in (handled, self.committed) if offset is not None]
        return max(1, self.end - max(known, default=0))


def partition_offsets(
    consumer: Any, topic: str, partition: int, *, in_flight: bool | None = None
) -> PartitionOffsets:
    """Return a partition's offsets as Faust's consumer knows them, without a request.

    Parameters
    ----------
    consumer
        The consumer.
    topic, partition
        The partition.
    in_flight
        Whether a delivered slice is not acknowledged yet; None: as the consumer knows it.
    """
    tp = TP(topic, partition)
    subscription = subscription_of(client_of_thread(consumer))
    assignment = subscription and subscription.assignment
    state = assignment and assignment.state_value(TopicPartition(topic, partition))
    if in_flight is None:
        in_flight = any(message.tp == tp for message in consumer.unacked)
    return PartitionOffsets(
        committed=committed_offset(consumer, tp),
        fetched=position_of(state) if state else None,  # None until the position is known
        end=stable_offset(state) if state else None,
        in_flight=in_flight,
        log_end=state.highwater if state else None,
    )


def readable_end(consumer: AIOKafkaConsumer, home: TopicPartition) -> int | None:
    """Return the offset after the last readable record; None while it is unknown."""
    end, stable = consumer.highwater(home), consumer.last_stable_offset(home)
    known = [offset for offset in (end, stable) if offset is not None and offset >= 0]
    return min(known, default=None)
