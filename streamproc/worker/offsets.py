"""How far a partition is: what its group has handled, what was fetched, where its log ends."""

from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streamproc.kafka.compat import stable_offset


class PartitionOffsets(NamedTuple):
    """Offsets of a partition; None where not known, as in a rebalance.

    Attributes
    ----------
    committed
        After the last record that the group has handled.
    fetched
        After the last record that the client has handed over, or skipped: compaction and
        transactions leave offsets without a record.
    end
        After the last record that can be read: where the first open transaction begins, or the
        log ends.
    in_flight
        Whether something that was handed over is not acknowledged yet.
    log_end
        After the last record of the log.
    suspect
        Whether the next records may be of another log than those before.
    out_of_range
        Offset that the log did not have, if the client went on at its beginning instead.
    """

    committed: int | None = None
    fetched: int | None = None
    end: int | None = None
    in_flight: bool = False
    log_end: int | None = None
    suspect: bool = False
    out_of_range: int | None = None

    def lag(self, handled: int | None) -> int:
        """Return how many records wait, given the offset after the last one handled.

        At least 1 as long as the end is not known.
        """
        if self.end is None or self.fetched is None:
            return 1
        if self.fetched >= self.end and not self.in_flight:
            return 0  # even where the last offsets of the log hold no record
        known = [offset for offset in (handled, self.committed) if offset is not None]
        return max(1, self.end - max(known, default=0))


def partition_offsets(consumer: Any, topic: str, partition: int) -> PartitionOffsets:
    """Read a partition's offsets from Faust's consumer; nobody is asked."""
    tp = TP(topic, partition)
    client = consumer._thread._consumer  # noqa: SLF001  its thread writes, reading is safe
    subscription = client._subscription.subscription  # noqa: SLF001
    assignment = subscription and subscription.assignment
    state = assignment and assignment.state_value(TopicPartition(topic, partition))
    return PartitionOffsets(
        committed=consumer._committed_offset.get(tp),  # noqa: SLF001
        fetched=state._position if state else None,  # noqa: SLF001  None until it was found
        end=stable_offset(state) if state else None,
        in_flight=any(message.tp == tp for message in consumer.unacked),
        log_end=state.highwater if state else None,
    )


def readable_end(consumer: AIOKafkaConsumer, home: TopicPartition) -> int | None:
    """Return the offset after the last record that can be read; None while it is not known."""
    end, stable = consumer.highwater(home), consumer.last_stable_offset(home)
    known = [offset for offset in (end, stable) if offset is not None and offset >= 0]
    return min(known, default=None)
