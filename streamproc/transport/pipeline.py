"""What happens to a slice, in order; and which partitions' state is held here."""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from streamproc.contract.config import Config
from streamproc.core.record import Outcome
from streamproc.core.shape import Topic
from streamproc.core.shard import Shard
from streamproc.transport.metrics import Metrics
from streamproc.transport.outbox import Outbox
from streamproc.transport.slices import Slice

Partition = tuple[str, int]


class Held:
    """The state of a partition, and the offset after the last record that is in it."""

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.next = 0


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

    async def handle(self, part: Slice) -> None:
        """Watch a slice; when this returns, it may be acknowledged.

        The order is the promise: what a slice gave is confirmed by the cluster before the
        slice is acknowledged, so a crash in between repeats alerts, with the same ids, and
        loses none.
        """
        # 1. Advance the state. Records that are in it already, after a seek, are skipped.
        held = self._hold(part.topic, part.partition)
        records = part.records
        if part.first_offset < held.next:
            records = tuple(record for record in records if record.offset >= held.next)
        began = time.perf_counter()
        outcome = held.shard.process(records, datetime.fromtimestamp(self._clock(), UTC))
        held.next = part.last_offset + 1
        watched = time.perf_counter()
        # 2. Publish, and wait for the cluster to confirm.
        await self._outbox.publish(outcome.alerts, outcome.dead_letters)
        self._count(part, outcome, (began, watched, time.perf_counter()))

    def keep(self, partitions: Iterable[Partition]) -> None:
        """Forget the state of all partitions but these: others' owners advance it now."""
        kept = set(partitions)
        for partition in [held for held in self._held if held not in kept]:
            del self._held[partition]
            self._metrics.forget(*partition)

    def gauge(self, end: Callable[[Partition], int]) -> int:
        """Show what is held; `end` is a partition's end offset. Return the records behind."""
        behind = 0
        for partition, held in self._held.items():
            lag = max(0, end(partition) - held.next)
            behind += lag
            self._metrics.state(*partition, held.shard, lag)
        return behind

    def _hold(self, topic: str, partition: int) -> Held:
        held = self._held.get((topic, partition))
        if held is None:
            shard = Shard(self._kinds[topic], topic, partition, self._config)
            held = self._held[topic, partition] = Held(shard)
        return held

    def _count(self, part: Slice, outcome: Outcome, times: tuple[float, float, float]) -> None:
        began, watched, published = times
        self._metrics.slice(part.topic, len(part.records), outcome)
        self._metrics.stages(watch=watched - began, publish=published - watched)
        now = self._clock()
        for position, alert in zip(outcome.positions, outcome.alerts, strict=True):
            self._metrics.alert(alert, now - part.records[position].timestamp / 1000)
