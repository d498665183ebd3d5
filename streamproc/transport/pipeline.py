"""What happens to a slice, in order; and which partitions' state is held here."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from streamproc.contract.config import Config
from streamproc.core.record import Outcome, Record
from streamproc.core.shape import Topic
from streamproc.core.shard import Shard
from streamproc.transport.marks import Mark
from streamproc.transport.metrics import Metrics
from streamproc.transport.outbox import Outbox
from streamproc.transport.slices import Slice

Partition = tuple[str, int]

_log = logging.getLogger(__name__)


class Held:
    """The state of a partition, and the offset after the last record that is in it."""

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.next: int | None = None


_UNKNOWN: Final = Mark()


class Pipeline:
    """Takes slices through the core and publishes what comes of them.

    Parameters
    ----------
    config
        The whole configuration.
    outbox
        Where alerts and dead letters go.
    metrics
        What is counted.
    clock
        Seconds since 1970.
    """

    def __init__(
        self,
        config: Config,
        outbox: Outbox,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._outbox = outbox
        self._metrics = metrics
        self._clock = clock
        self._kinds = {config.topics.full_name(kind.value): kind for kind in Topic}
        self._held: dict[Partition, Held] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """Names of the topics that are read."""
        return tuple(self._kinds)

    async def handle(self, part: Slice, mark: Mark = _UNKNOWN) -> None:
        """Watch a slice; when this returns, it may be acknowledged.

        The order is the promise: what a slice gave is confirmed by the cluster before the
        slice is acknowledged, so a crash in between repeats alerts, with the same ids, and
        loses none.
        """
        # 1. Advance the state. Records that are in it already, after a seek, are skipped.
        held = self._hold(part, mark)
        records = part.records
        if held.next is not None and part.first_offset < held.next:
            records = tuple(record for record in records if record.offset >= held.next)
        began = time.perf_counter()
        outcome = held.shard.process(records, datetime.fromtimestamp(self._clock(), UTC))
        held.next = max(held.next or 0, part.last_offset + 1)
        watched = time.perf_counter()
        # 2. Publish, and wait for the cluster to confirm.
        await self._outbox.publish(outcome.alerts, outcome.dead_letters)
        self._count(part.topic, records, outcome, (began, watched, time.perf_counter()))

    def keep(self, partitions: Iterable[Partition]) -> None:
        """Hold the state of these partitions, and of no others: their owners advance it now."""
        kept = set(partitions)
        for partition in self._held.keys() - kept:
            del self._held[partition]
            self._metrics.forget(*partition)
        for partition in kept - self._held.keys():
            self._held[partition] = self._fresh(partition)

    def gauge(self, mark: Callable[[Partition], Mark]) -> int:
        """Show what is held. Return the records behind, at least 1 while that is not known."""
        behind = 0
        for partition, held in self._held.items():
            lag = mark(partition).behind(held.next)
            behind += lag
            self._metrics.state(*partition, held.shard, lag)
        return behind

    def _hold(self, part: Slice, mark: Mark) -> Held:
        partition = part.topic, part.partition
        held = self._held.get(partition)
        if held is None or (held.next is not None and _foreign(held.next, part, mark)):
            held = self._held[partition] = self._fresh(partition)
        return held

    def _fresh(self, partition: Partition) -> Held:
        topic, number = partition
        return Held(Shard(self._kinds[topic], topic, number, self._config))

    def _count(
        self,
        topic: str,
        records: Sequence[Record],
        outcome: Outcome,
        times: tuple[float, float, float],
    ) -> None:
        began, watched, published = times
        self._metrics.slice(topic, len(records), outcome)
        self._metrics.stages(watch=watched - began, publish=published - watched)
        now = self._clock()
        for position, alert in zip(outcome.positions, outcome.alerts, strict=True):
            self._metrics.alert(alert, now - records[position].timestamp / 1000)


def _foreign(state: int, part: Slice, mark: Mark) -> bool:
    """Whether a state up to an offset is of another past than the log of this slice."""
    if mark.committed is not None and mark.committed > state:
        _log.warning(
            "another worker handled %s-%d up to offset %d meanwhile: its series start anew",
            part.topic,
            part.partition,
            mark.committed,
        )
        return True
    if mark.end is not None and mark.end < state:
        _log.warning(
            "%s-%d ends at offset %d, before %d where we were: the topic was made anew, and so"
            " are its series",
            part.topic,
            part.partition,
            mark.end,
            state,
        )
        return True
    return False
