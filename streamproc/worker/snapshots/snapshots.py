"""Schedule snapshots, and recover the state of assigned partitions."""

import logging
import math
import time
import uuid
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from streamproc.alerting.system_alerts import state_gap
from streamproc.config.config import Config
from streamproc.kafka.errors import SnapshotWriteError
from streamproc.schemas.alerts import AlertEvent
from streamproc.worker.log_marks import RecordMark
from streamproc.worker.snapshots.codec import Codec
from streamproc.worker.snapshots.records import SLOTS, Key
from streamproc.worker.snapshots.recovery import Log, of_other_logs, recover
from streamproc.worker.snapshots.store import Bounds, Partition, SnapshotStore

# A partition's next snapshot waits twenty times as long as its last one took, and any snapshot
# twenty times the CPU time of the last: at most 5 % of a worker. Elapsed time would not do for
# all partitions: a broker outage of one minute would delay them all for twenty.
COST: Final = 20.0
# Unchanged chunks are not rewritten. If they are lost from the topic, which the owner does not
# read, a full write after this time completes its snapshots again.
FULL_WRITE_SECONDS: Final = 3600.0
_GOLDEN: Final = 0.6180339887498949

NONE: Final[Mapping[Partition, int]] = {}

S = TypeVar("S")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class SnapshotState:
    """State of the snapshots of one partition, for its owner.

    Attributes
    ----------
    key
        Key of the next snapshot.
    saved
        Offset after the last record in the last snapshot; None if there is none to recover from.
    due
        When the next one is due, in seconds of the monotonic clock.
    not_before
        Earliest time of the next one, regardless of the bytes read.
    read
        Bytes of records since the last one.
    phase
        Position of this partition's snapshots within an interval, 0 to 1.
    stale
        Keys of earlier owners, removed once a snapshot replaces them.
    written
        Keys and value hashes of the last snapshot in each slot.
    full_due
        When all chunks of each slot are due to be written again.
    mark
        Mark of the last record in the state; None: unknown.
    """

    key: Key
    saved: int | None
    due: float
    phase: float = 0.0
    not_before: float = 0.0
    read: int = 0
    stale: list[Key] = field(default_factory=list)
    written: dict[int, dict[Key, int | None]] = field(default_factory=dict)
    full_due: dict[int, float] = field(default_factory=dict)
    mark: RecordMark | None = None


class SnapshotCost(NamedTuple):
    """Size and cost of a snapshot.

    Attributes
    ----------
    size
        Bytes of the state.
    bytes, records
        Bytes and records written.
    seconds
        Elapsed time.
    cpu
        CPU seconds of this thread meanwhile.
    """

    size: int
    bytes: int
    records: int
    seconds: float
    cpu: float


class Counts(Protocol):
    """Counters of snapshots, such as `Metrics`."""

    def snapshot(self, cost: SnapshotCost) -> None:
        """Count a snapshot and its cost."""
        ...

    def snapshot_failed(self) -> None:
        """Count a snapshot that was not written."""
        ...

    def recovered(self, outcome: str) -> None:
        """Count a recovered partition."""
        ...

    def state_gap(self) -> None:
        """Count a partition that lost state or records."""
        ...


@dataclass(frozen=True, slots=True)
class Recovered(Generic[S]):
    """The recovered state of a partition.

    Attributes
    ----------
    state
        From a snapshot, or initial.
    next
        Offset to resume at; None: the committed offset, with an initial state.
    keeper
        State of its snapshots.
    published_to
        Offset before which an earlier owner has published everything, since it committed it.
    gap
        Alert about lost state or records; None: nothing is lost.
    rewound
        Whether the log is another one than the one that was read, so that the committed offset is
        invalid.
    """

    state: S
    next: int | None
    keeper: SnapshotState
    published_to: int = 0
    gap: AlertEvent | None = None
    rewound: bool = False


class Snapshots(Generic[S]):
    """Snapshots of all partitions of a worker.

    Parameters
    ----------
    config
        The whole configuration.
    store
        Reads and writes their records.
    codec
        Encodes and decodes the state.
    metrics
        Counts snapshots.
    clock
        Monotonic seconds.
    cost
        Minimum pause before the next snapshot: of the same partition, as a multiple of the last
        one's elapsed time; of any partition, as a multiple of its CPU time.
    starts
        Offsets before which a group reads nothing; partitions without one are read from their
        first record.
    """

    def __init__(
        self,
        config: Config,
        store: SnapshotStore,
        codec: Codec[S],
        metrics: Counts,
        clock: Callable[[], float] = time.monotonic,
        cost: float = COST,
        starts: Mapping[Partition, int] = NONE,
    ) -> None:
        self._starts = starts
        self._cost = cost
        self._not_before = -math.inf
        self._config = config
        self._store = store
        self._codec = codec
        self._metrics = metrics
        self._clock = clock
        self._interval = config.snapshots.interval.total_seconds()
        self._bytes = config.snapshots.bytes
        self._writer = uuid.uuid4().hex[:12]

    def due(self, keeper: SnapshotState, read: int) -> bool:
        """Whether the next snapshot is due, after `read` more bytes of records."""
        keeper.read += read
        now = self._clock()
        own = keeper.not_before if keeper.read >= self._bytes else keeper.due
        return now >= max(self._not_before, own)

    async def save(self, keeper: SnapshotState, state: S, following: int) -> None:
        """Write a snapshot; a failure is counted, and raised if there is none to recover from.

        Raises
        ------
        SnapshotWriteError
            If this partition has no earlier snapshot to recover from.
        """
        began, cpu = self._clock(), time.thread_time()
        key = keeper.key
        held = keeper.written.get(key.slot, {})
        if full := began >= keeper.full_due.get(key.slot, began):
            held = dict.fromkeys(held)
        try:
            partition = key.topic.removesuffix(self._codec.kind), key.partition
            sections = self._codec.encode(state, partition, following)
            written = await self._store.write(key, sections, following, held, keeper.mark)
            await self._store.remove([*keeper.stale, *(held.keys() - written.held.keys())])
        except SnapshotWriteError as error:
            self._metrics.snapshot_failed()
            keeper.written[key.slot] = dict.fromkeys(held)  # unknown after a failed write
            keeper.due = keeper.not_before = self._clock() + self._interval
            if keeper.saved is None:
                raise
            _log.warning("no new snapshot, recovery would use the previous one: %s", error)
            return
        now = self._clock()
        keeper.saved, keeper.stale, keeper.read = following, [], 0
        keeper.written[key.slot] = written.held
        if full:
            keeper.full_due[key.slot] = now + FULL_WRITE_SECONDS
        keeper.key = key._replace(slot=(key.slot + 1) % SLOTS)
        spent = now - began, time.thread_time() - cpu
        keeper.not_before, self._not_before = (now + self._cost * seconds for seconds in spent)
        keeper.due = max(keeper.not_before, self._next_due(now, keeper.phase))
        size = sum(map(len, sections))
        self._metrics.snapshot(SnapshotCost(size, written.bytes, written.records, *spent))

    def _next_due(self, now: float, phase: float) -> float:
        """Return when a partition's next snapshot is due, at least half an interval from now.

        It spreads out partitions whose last snapshots were written at the same moment, by a
        command or after a rebalance.
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
        """Recover the state of newly assigned partitions.

        Parameters
        ----------
        committed
            Committed offset of each; None: nothing is committed.
        generation
            Generation of the group; it rises with each rebalance.
        unsigned
            Partitions whose committed offset another program wrote.
        rewound
            Partitions whose log was replaced while this worker owned them → offset up to which
            the previous log was processed.

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
        resumed: dict[Partition, Recovered[S]] = {}
        for partition, done in committed.items():
            # Popped, so that the snapshots of a partition are freed before the next is decoded.
            log = Log(
                found=found.pop(partition),
                bounds=bounds[partition],
                done=done,
                signed=partition not in unsigned,
                others=others[partition],
                rewound=rewound.get(partition),
                start=self._start(partition, bounds[partition]),
            )
            result = resumed[partition] = self._resumed(partition, log)
            epoch = max(generation, log.found.epoch + 1)
            result.keeper.key = result.keeper.key._replace(epoch=epoch)
            del log
        begun = [
            partition for partition, result in resumed.items() if self._begins(partition, result)
        ]
        for partition in begun:
            # The offset is committed next; without a snapshot it would look like lost state.
            result = resumed[partition]
            await self.save(result.keeper, result.state, self._starts[partition])
        old = sum(result.next is not None for result in resumed.values()) - len(begun)
        if old:
            _log.info("recovered %d partitions from snapshots, %.1f s", old, self._clock() - began)
        return resumed

    def _start(self, partition: Partition, bounds: Bounds) -> int:
        """Return the offset before which nothing is read; 0 in a log that was replaced since."""
        start = self._starts.get(partition, 0)
        return start if start <= bounds.end else 0

    def _begins(self, partition: Partition, found: Recovered[S]) -> bool:
        """Whether a partition begins at its start, with a fresh state and without a snapshot."""
        at_start = found.next is not None and found.next == self._starts.get(partition)
        return at_start and found.keeper.saved is None and not found.rewound

    async def contradicted(self, marks: Mapping[Partition, RecordMark]) -> set[Partition]:
        """Return the partitions whose logs no longer have these records."""
        return await self._store.contradicted(marks)

    def promote(self, keeper: SnapshotState, generation: int) -> None:
        """Raise the epoch of an owner that stays above those of owners in between."""
        if generation > keeper.key.epoch:
            keeper.stale += [key for keys in keeper.written.values() for key in keys]
            keeper.written.clear()
            keeper.full_due.clear()
            keeper.key = keeper.key._replace(epoch=generation)

    def keeper(self, partition: Partition, stale: list[Key]) -> SnapshotState:
        """Return the snapshot state of a new owner, which replaces those of earlier owners."""
        topic, number = partition
        key = Key(self._config.group, topic + self._codec.kind, number, 0, self._writer, 0, 0)
        # Partitions that were assigned together get different phases. Steps of the golden ratio
        # divide an interval evenly for any set of partitions.
        phase = (zlib.crc32(topic.encode()) / 2**32 + number * _GOLDEN) % 1
        due = self._next_due(self._clock(), phase)
        return SnapshotState(key, None, due, phase, stale=stale)

    def _resumed(self, partition: Partition, log: Log) -> Recovered[S]:
        found = recover(self._codec, partition, log)
        self._metrics.recovered(found.outcome)
        keeper = self.keeper(partition, list(log.found.keys))
        keeper.saved, keeper.mark = found.saved, found.mark
        gap = None if found.gap is None else self.gap(partition, *found.gap)
        return Recovered(found.state, found.next, keeper, found.published_to, gap, found.rewound)

    def gap(self, partition: Partition, span: tuple[int, int], reason: str) -> AlertEvent:
        """Count and log a gap, and return the alert about it.

        Parameters
        ----------
        partition
            Topic and partition number.
        span
            Offset up to which it was processed, and offset at which it resumes.
        reason
            Cause, in a few words.
        """
        self._metrics.state_gap()
        now = datetime.fromtimestamp(time.time(), UTC)
        alert = state_gap(partition, span, reason, now, self._codec.kind)
        _log.error("%s", alert.message)
        return alert
