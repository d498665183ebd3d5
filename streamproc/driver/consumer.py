"""Extend Faust's Kafka consumer to deliver and commit slices.

Everything else is left to Faust 0.15.3. Each override names the behaviour that it works around.
"""

import asyncio
import contextlib
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Container,
    Iterable,
    Mapping,
)
from typing import Any

from aiokafka.errors import IllegalStateError
from faust.transport.consumer import RecordMap
from faust.types import TP, Message
from mode import Service

from streamproc.driver.delivery import SliceDelivery
from streamproc.driver.offsets import InFlight
from streamproc.driver.poll import SliceScheduler, SliceThread
from streamproc.driver.slices import BATCH_BYTES, BatchSizer, Polled, Slice
from streamproc.driver.topic import SliceSchema, TransportError
from streamproc.kafka.log_watch import NO_DOUBT

__all__ = ["SliceConsumer"]


#: A poll that waits for records delays a rebalance.
_POLL_SECONDS = 0.25

ContinueAt = Callable[[Mapping[TP, int | None], Collection[TP]], Awaitable[Mapping[TP, int]]]


class SliceConsumer(SliceDelivery):
    """Consumer whose sliced topics are delivered and committed slice by slice."""

    _thread: SliceThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._capacity = asyncio.Event()
        self._moving = asyncio.Lock()
        self._resume_offsets: dict[TP, int] = {}  # applied until the first fetch from there
        self._polling = False
        self._rereading: set[TP] = set()  # nothing is committed until their new position is set
        #: Takes committed offsets by partition, and the partitions where another program wrote
        #: them; returns offsets to resume at instead.
        self.continue_at: ContinueAt | None = None
        super().__init__(*args, **kwargs)
        self.scheduler = SliceScheduler(self.scheduler, self._paces)

    def _new_consumer_thread(self) -> SliceThread:
        return SliceThread(self, loop=self.loop, beacon=self.beacon)

    # Delivery

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Find out which topics are sliced, then subscribe."""
        self._find_sliced(self.app.topics)
        await super().subscribe(topics)

    @property
    def sliced(self) -> Container[str]:
        """Names of the topics that are read in slices."""
        return self._paces

    def poll_records(self) -> int | None:
        """Return how many records one poll may take; None: no limit."""
        return max((pace.limits.records for pace in self._paces.values()), default=None)

    def unpacked_bytes(self) -> int:
        """Return how many bytes a batch may unpack to."""
        return max(
            (pace.limits.batch_bytes for pace in self._paces.values()),
            default=BATCH_BYTES,
        )

    def linger(self) -> float:
        """Return the longest wait between two fetches, in seconds."""
        return min((pace.limits.linger for pace in self._paces.values()), default=0.0)

    async def _wait_next_records(
        self,
        timeout: float,  # noqa: ASYNC109  # Faust's signature
    ) -> tuple[RecordMap | None, set[TP] | None]:
        # with all partitions paused, Faust sleeps for a second even if one resumes sooner
        if self._buffered_partitions and not self._active_partitions:
            self._capacity.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._capacity.wait(), timeout)
        self._polling = True
        try:
            return await super()._wait_next_records(timeout)
        finally:
            self._polling = False

    async def _getmany(
        self,
        active_partitions: set[TP] | None,
        timeout: float,  # noqa: ASYNC109  # Faust's signature
    ) -> RecordMap:
        async with self._moving:
            if not self.flow_active:
                return {}
            limit = min(timeout, _POLL_SECONDS)
            records: RecordMap = await super()._getmany(active_partitions, limit)
            self._follow_resets(records)
            return await self._from_resume_offsets(records) if self._resume_offsets else records

    def _follow_resets(self, records: RecordMap) -> None:
        """Accept records below the read offset after the client was reset.

        Faust would drop them until the log is as long as it was before.
        """
        for key, found in records.items():
            tp = TP(*key)
            doubt = found.doubt if isinstance(found, Polled) else NO_DOUBT
            if doubt.out_of_range is not None and tp not in self._resume_offsets:
                self._read_offset[tp] = found[0].offset

    async def _from_resume_offsets(self, records: RecordMap) -> RecordMap:
        """Return records from the resume offsets on; seek again where they were skipped.

        A cancelled seek of Faust continues in the client's thread, and may move a partition to its
        committed offset after it was moved to the offset of its state. A gap that remains after
        another seek is one of the log.
        """
        accepted: dict[TP, list[Any]] = {}
        for key, found in records.items():
            tp = TP(*key)
            resume_at = self._resume_offsets.pop(tp, None)
            begin = found.begin if isinstance(found, Polled) else found[0].offset
            if resume_at is not None and begin > resume_at:
                await self.seek_wait({tp: resume_at})
                continue
            if resume_at is not None and (self._read_offset.get(tp) or 0) > resume_at:
                self._read_offset[tp] = resume_at
            accepted[key] = found
        return accepted

    def on_buffer_drop(self, tp: TP) -> None:
        """Resume fetching from a partition once its agent has capacity."""
        if tp in self._paused_partitions:  # Faust would undo the pause
            self._buffered_partitions.discard(tp)
            return
        super().on_buffer_drop(tp)
        self._capacity.set()
        # a poll waiting for other partitions would not notice this one for up to a second
        if self._polling:
            self._thread.thread_loop.call_soon_threadsafe(self._thread.wake)

    @Service.task
    async def _stay_in_group(self) -> None:
        # The client leaves its group when it is not polled for max_poll_interval, which happens
        # while all agents are slow. A running event loop is enough to stay.
        interval = max(0.1, (self.app.conf.broker_max_poll_interval or 0) / 4)
        async for _ in self.itertimer(interval, name="stay_in_group"):
            if self._buffered_partitions:
                self._thread.keep_alive()

    async def verify_all_partitions_active(self) -> None:
        """Do nothing: the worker's watchdog detects stalls.

        Faust's check raises, and so ends the application, while the position of a partition is
        unknown, as during the outage of its leader.
        """

    # Commits

    def ack(self, message: Message) -> bool:
        """Acknowledge a slice, even one below the committed offset."""
        # Faust would keep counting such a message as in progress.
        done: bool = super().ack(message)
        self._unacked_messages.discard(message)
        return done

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        # called for each slice with its last offset; slices do not track gaps
        if tp.topic not in self._paces:
            await super()._add_gap(tp, offset_from, offset_to)

    async def commit_acknowledged(self) -> None:
        """Commit all that is acknowledged by now.

        `commit` only waits while a commit is in progress, which may have begun before the last
        messages were acknowledged.
        """
        if not await self.commit():
            await self.commit()

    async def commit_and_end_transactions(self) -> None:
        """Commit all that is acknowledged, as the consumer stops."""
        if self.in_transaction:
            await super().commit_and_end_transactions()
        else:
            await self.commit_acknowledged()

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self._paces:
            offset: int | None = super()._new_offset(tp)
            return offset
        # Faust's lists have acknowledged offsets without their order of delivery, and those of
        # earlier generations. They are filled in three places, one of them compiled.
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        if tp in self._rereading:
            return None
        return self._in_flight[tp].committable()

    async def perform_seek(self) -> None:
        """Seek to the committed offsets, to the offsets of the state, or to the beginning.

        Delivered slices are void afterwards.
        """
        # The lock excludes Faust's fetch loop, which also calls this on a rebalance: otherwise
        # records that are committed but not in the state would be skipped.
        async with self._moving:
            for tp in tuple(self._in_flight):
                self._forget(tp)
            self._rereading.clear()
            await super().perform_seek()
            committed = {tp: self._committed_offset.get(tp) for tp in self.assignment()}
            begins = await self._beginnings([tp for tp, done in committed.items() if not done])
            states = await self._state_offsets(committed)
            if offsets := {**begins, **states}:
                try:
                    await self.seek_wait(offsets)
                except IllegalStateError:
                    if offsets.keys() <= self.assignment():
                        raise
                    return  # a rebalance came meanwhile, which calls this again
                self._resume_offsets.update(offsets)
            for tp, offset in states.items():
                self._handled(tp, offset)

    async def _state_offsets(self, committed: Mapping[TP, int | None]) -> Mapping[TP, int]:
        """Return the offsets of partitions that do not resume at their committed offset."""
        if self.continue_at is None:
            return {}
        unsigned = await self._thread.unsigned([tp for tp, done in committed.items() if done])
        self.distrust(unsigned)
        return await self.continue_at(committed, unsigned)

    def settle(self, part: Slice) -> None:
        """Forget the doubt about the log of a slice, which was checked and processed."""
        if part.doubt is not NO_DOUBT:
            self._thread.settle(TP(part.topic, part.partition), part.doubt)

    def reread(self, tp: TP) -> None:
        """Have a partition's position determined again; its delivered slices are void."""
        self._rereading.add(tp)
        self._forget(tp)
        self._thread.rejoin()

    def unknown(self, topics: Iterable[str]) -> list[str]:
        """Return the topics that were missing in the client's latest metadata."""
        partitions = self._thread.partitions
        return [topic for topic in topics if not partitions(topic)]

    def counts(self, topics: Iterable[str]) -> dict[str, int]:
        """Return how many partitions topics had when the client last asked; 0: none is known."""
        return {topic: len(self._thread.partitions(topic) or ()) for topic in topics}

    def distrust(self, partitions: Iterable[TP]) -> None:
        """Allow any offset to be committed for these partitions, even a lower one."""
        for tp in partitions:
            self._committed_offset[tp] = None

    async def _beginnings(self, unread: Iterable[TP]) -> dict[TP, int]:
        """Return the first offsets of partitions without a committed offset.

        The client would keep its position there, after records that Faust fetched and dropped
        when a rebalance came.
        """
        sliced = [tp for tp in unread if tp.topic in self._paces]
        found = await self.earliest_offsets(*sliced) if sliced else {}
        return {TP(*tp): offset for tp, offset in found.items()}

    def _handled(self, tp: TP, offset: int) -> None:
        """Allow the offset of a recovered state to be committed before any slice is delivered."""
        # The previous owner published before it wrote the snapshot, and may have stopped or lost
        # the partition before its commit. Otherwise nothing is committed until the next record.
        committed = self._committed_offset.get(tp)
        if committed is None or offset > committed:
            self._in_flight[tp] = InFlight(offset)
            self._acked[tp].clear()  # Faust only commits partitions with an entry here

    async def seek(self, partition: TP, offset: int) -> None:
        """Seek to `offset`; delivered slices of the partition are void."""
        self._forget(partition)
        await super().seek(partition, offset)

    def _forget(self, tp: TP) -> None:
        self._resume_offsets.pop(tp, None)
        self._in_flight.pop(tp, None)
        if self._waiting.pop(tp, None):
            self.on_buffer_drop(tp)

    # Rebalances

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit acknowledged slices, then forget the delivered ones."""
        # Faust forgets first, so slices acknowledged since the last interval would be repeated.
        # A coordinator that does not answer must not prevent this worker from rejoining.
        if not self.in_transaction:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    self.commit_acknowledged(), self.app.conf.broker_session_timeout / 2
                )
        for tp in revoked:
            self._resume_offsets.pop(tp, None)
            self._in_flight.pop(tp, None)
            self._waiting.pop(tp, None)
            self._buffered_partitions.discard(tp)
        await super().on_partitions_revoked(revoked)

    def _find_sliced(self, channels: Iterable[Any]) -> None:
        found: dict[str, BatchSizer] = {}
        plain: set[str] = set()
        for channel in channels:
            for name in channel.topics:
                if isinstance(channel.schema, SliceSchema):
                    found[name] = self._paces.get(name) or BatchSizer(channel.schema.limits)
                else:
                    plain.add(name)
        if both := sorted(plain & found.keys()):
            raise TransportError(
                f"topic {both[0]!r} is read both in slices and message by message: "
                "give all its agents a slice_topic, or none"
            )
        self._paces.clear()
        self._paces.update(found)
