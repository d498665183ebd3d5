"""When state is written down, and how a partition's owner comes by the state it goes on with."""

import logging
import math
import time
import uuid
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from streamproc.alerting.alert_builder import state_gap
from streamproc.config.config import Config
from streamproc.kafka.errors import SnapshotWriteError
from streamproc.schemas.alerts import AlertEvent
from streamproc.worker.log_marks import RecordMark
from streamproc.worker.snapshots.codec import Codec
from streamproc.worker.snapshots.records import SLOTS, Key
from streamproc.worker.snapshots.recovery import Log, of_other_logs, recover
from streamproc.worker.snapshots.store import Partition, SnapshotStore

# A snapshot that takes a second is not repeated for twenty, and after one that takes a second of
# CPU none is written for twenty, of any partition: 5 % of a worker at most. By the clock a broker
# that was away for a minute would keep all partitions from theirs for twenty.
COST: Final = 20.0
# What did not change is not written again. Should it be gone from the topic, which the owner of a
# partition does not read, then its snapshots are whole again after this.
WHOLE_SECONDS: Final = 3600.0
_GOLDEN: Final = 0.6180339887498949

NONE: Final[Mapping[Partition, int]] = {}

S = TypeVar("S")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class SnapshotState:
    """What one owner of a partition has to know to write its snapshots.

    Attributes
    ----------
    key
        Of the snapshot to be written next.
    saved
        Offset after what the last whole snapshot holds; None when there is none to go back to.
    due
        When the next one is to be written, by the worker's monotonic clock.
    rest
        When it may be written at the soonest, however much comes.
    read
        Bytes of records that came since the last one.
    phase
        When in an interval this partition's turn is; from 0 to 1.
    stale
        What owners before have left; removed when there is a snapshot in its place.
    written
        What the last snapshot in each slot consists of: its keys, and what is under them.
    whole
        When each slot is to be written whole again.
    mark
        Of the last record that is in the state; None: not known.
    """

    key: Key
    saved: int | None
    due: float
    phase: float = 0.0
    rest: float = 0.0
    read: int = 0
    stale: list[Key] = field(default_factory=list)
    written: dict[int, dict[Key, int | None]] = field(default_factory=dict)
    whole: dict[int, float] = field(default_factory=dict)
    mark: RecordMark | None = None


class SnapshotCost(NamedTuple):
    """What a snapshot took.

    Attributes
    ----------
    size
        Bytes of the state.
    bytes, records
        That were written of it.
    seconds
        By the clock.
    cpu
        Seconds of the CPU that this thread used meanwhile.
    """

    size: int
    bytes: int
    records: int
    seconds: float
    cpu: float


class Counts(Protocol):
    """What is counted of snapshots; `Metrics` does."""

    def snapshot(self, cost: SnapshotCost) -> None:
        """Count a snapshot, and what it took."""
        ...

    def snapshot_failed(self) -> None:
        """Count a snapshot that was not written."""
        ...

    def recovered(self, outcome: str) -> None:
        """Count a partition taken over."""
        ...

    def state_gap(self) -> None:
        """Count a partition that lost state or records."""
        ...


@dataclass(frozen=True, slots=True)
class Recovered(Generic[S]):
    """What a partition goes on with.

    Attributes
    ----------
    state
        As it was written down, or as it begins.
    next
        Where to go on; None: where the group has committed, with no state.
    told
        Offset before which everything was published by whoever committed it.
    keeper
        To write it down.
    gap
        What to tell when something was lost.
    rewound
        Whether the log is another than the one that was read: what the group has committed of it
        means nothing.
    """

    state: S
    next: int | None
    keeper: SnapshotState
    told: int = 0
    gap: AlertEvent | None = None
    rewound: bool = False


class Snapshots(Generic[S]):
    """Snapshots of all partitions of a worker.

    Parameters
    ----------
    config
        The whole configuration.
    store
        Where they are.
    codec
        What they are of.
    metrics
        What is counted.
    clock
        Monotonic seconds.
    cost
        Seconds to the next snapshot of a partition, at least, for each that the last one took; and
        to that of any partition, for each of CPU.
    """

    def __init__(
        self,
        config: Config,
        store: SnapshotStore,
        codec: Codec[S],
        metrics: Counts,
        clock: Callable[[], float] = time.monotonic,
        cost: float = COST,
    ) -> None:
        self._cost = cost
        self._rest = -math.inf
        self._config = config
        self._store = store
        self._codec = codec
        self._metrics = metrics
        self._clock = clock
        self._interval = config.snapshots.interval.total_seconds()
        self._bytes = config.snapshots.bytes
        self._writer = uuid.uuid4().hex[:12]

    def due(self, keeper: SnapshotState, read: int) -> bool:
        """Whether it is time for the next snapshot, when records of so many bytes have come."""
        keeper.read += read
        now = self._clock()
        own = keeper.rest if keeper.read >= self._bytes else keeper.due
        return now >= max(self._rest, own)

    async def save(self, keeper: SnapshotState, state: S, following: int) -> None:
        """Write a snapshot; a failure is counted, and fatal if there is none to go back to.

        Raises
        ------
        SnapshotWriteError
            If there is no snapshot of this partition that a crash could go back to.
        """
        began, cpu = self._clock(), time.thread_time()
        key = keeper.key
        held = keeper.written.get(key.slot, {})
        if whole := began >= keeper.whole.get(key.slot, began):
            held = dict.fromkeys(held)
        try:
            partition = key.topic.removesuffix(self._codec.kind), key.partition
            sections = self._codec.encode(state, partition, following)
            written = await self._store.write(key, sections, following, held, keeper.mark)
            await self._store.remove([*keeper.stale, *(held.keys() - written.held.keys())])
        except SnapshotWriteError as error:
            self._metrics.snapshot_failed()
            keeper.written[key.slot] = dict.fromkeys(held)  # who knows what is there by now
            keeper.due = keeper.rest = self._clock() + self._interval
            if keeper.saved is None:
                raise
            _log.warning("no new snapshot, recovery would use the previous one: %s", error)
            return
        now = self._clock()
        keeper.saved, keeper.stale, keeper.read = following, [], 0
        keeper.written[key.slot] = written.held
        if whole:
            keeper.whole[key.slot] = now + WHOLE_SECONDS
        keeper.key = key._replace(slot=(key.slot + 1) % SLOTS)
        spent = now - began, time.thread_time() - cpu
        keeper.rest, self._rest = (now + self._cost * seconds for seconds in spent)
        keeper.due = max(keeper.rest, self._turn(now, keeper.phase))
        size = sum(map(len, sections))
        self._metrics.snapshot(SnapshotCost(size, written.bytes, written.records, *spent))

    def _turn(self, now: float, phase: float) -> float:
        """Return a partition's next turn, half an interval from now or later.

        Partitions whose state was written at one moment, by a command or after a rebalance, are
        not written at one moment again.
        """
        if not self._interval:
            return now
        turns = (now + self._interval / 2) / self._interval - phase
        return (math.ceil(turns) + phase) * self._interval

    async def resume(
        self,
        committed: Mapping[Partition, int | None],
        generation: int,
        unsigned: Collection[Partition] = frozenset(),
        rewound: Mapping[Partition, int] = NONE,
    ) -> dict[Partition, Recovered[S]]:
        """Find the state of partitions that are now ours.

        Parameters
        ----------
        committed
            What the group has committed of each; None: nothing.
        generation
            Of the group; it rises with each change of owners.
        unsigned
            Partitions whose committed offset another program wrote.
        rewound
            Partitions whose log turned out to be another one while they were ours, and the offset
            up to which the one before was handled.

        Raises
        ------
        RecoveryError
            If the snapshots cannot be read in time.
        """
        if not committed:
            return {}
        began = self._clock()
        found, bounds = await self._store.read(committed, self._codec.kind)
        others = await of_other_logs(self._store, found)
        resumed = {
            partition: self._resumed(
                partition,
                Log(
                    found=found[partition],
                    bounds=bounds[partition],
                    done=done,
                    signed=partition not in unsigned,
                    others=others[partition],
                    rewound=rewound.get(partition),
                ),
            )
            for partition, done in committed.items()
        }
        for partition, result in resumed.items():
            epoch = max(generation, found[partition].epoch + 1)
            result.keeper.key = result.keeper.key._replace(epoch=epoch)
        old = sum(result.next is not None for result in resumed.values())
        if old:
            _log.info("recovered %d partitions from snapshots, %.1f s", old, self._clock() - began)
        return resumed

    async def contradicted(self, marks: Mapping[Partition, RecordMark]) -> set[Partition]:
        """Return the partitions whose logs are not those that these records are from."""
        return await self._store.contradicted(marks)

    def promote(self, keeper: SnapshotState, generation: int) -> None:
        """Make what an owner that stays will write newer than what others wrote meanwhile."""
        if generation > keeper.key.epoch:
            keeper.stale += [key for keys in keeper.written.values() for key in keys]
            keeper.written.clear()
            keeper.whole.clear()
            keeper.key = keeper.key._replace(epoch=generation)

    def keeper(self, partition: Partition, stale: list[Key]) -> SnapshotState:
        """Make what writes a partition's snapshots in the place of those of owners before."""
        topic, number = partition
        key = Key(self._config.group, topic + self._codec.kind, number, 0, self._writer, 0, 0)
        # Partitions that came together are not written together. Steps of the golden section
        # divide an interval evenly, whichever partitions are ours.
        phase = (zlib.crc32(topic.encode()) / 2**32 + number * _GOLDEN) % 1
        due = self._turn(self._clock(), phase)
        return SnapshotState(key, None, due, phase, stale=stale)

    def _resumed(self, partition: Partition, log: Log) -> Recovered[S]:
        found = recover(self._codec, partition, log)
        self._metrics.recovered(found.outcome)
        keeper = self.keeper(partition, list(log.found.keys))
        keeper.saved, keeper.mark = found.saved, found.mark
        gap = None if found.gap is None else self.gap(partition, *found.gap)
        return Recovered(found.state, found.next, keeper, found.told, gap, found.rewound)

    def gap(self, partition: Partition, span: tuple[int, int], reason: str) -> AlertEvent:
        """Count a gap, log it, and return the alert that tells of it.

        Parameters
        ----------
        partition
            Which one.
        span
            Offsets up to which it was handled, and at which it goes on.
        reason
            Why, in a few words.
        """
        self._metrics.state_gap()
        now = datetime.fromtimestamp(time.time(), UTC)
        alert = state_gap(partition, span, reason, now, self._codec.kind)
        _log.error("%s", alert.message)
        return alert
