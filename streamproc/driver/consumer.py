"""Faust's Kafka consumer, with slices for the topics that ask for them.

Everything else is left to Faust 0.15.3. Each method names the behaviour that it works around.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Container, Iterable, Mapping
from typing import Any, cast

from aiokafka.errors import IllegalStateError
from faust.transport.consumer import RecordMap
from faust.transport.drivers import aiokafka as base
from faust.types import TP, ConsumerMessage, Message
from mode import Service

from streamproc.driver.adaptive_batch import BatchSizeSensor
from streamproc.driver.offsets import InFlight
from streamproc.driver.poll import SliceScheduler, SliceThread
from streamproc.driver.slices import BATCH_BYTES, BatchSizer, Slice
from streamproc.driver.topic import SliceSchema, TransportError
from streamproc.kafka.log_watch import Doubt

__all__ = ["SliceConsumer"]


#: A poll that waits for records keeps a rebalance waiting.
_POLL_SECONDS = 0.25

ContinueAt = Callable[[Mapping[TP, int | None], Collection[TP]], Awaitable[Mapping[TP, int]]]


class SliceConsumer(base.Consumer):
    """Consumer whose sliced topics are delivered and committed slice by slice."""

    _thread: SliceThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._paces: dict[str, BatchSizer] = {}
        self._in_flight: defaultdict[TP, InFlight] = defaultdict(InFlight)
        self._waiting: defaultdict[TP, set[Message]] = defaultdict(set)
        self._room = asyncio.Event()
        self._moving = asyncio.Lock()
        self._told: dict[TP, int] = {}  # where to go on, until the first fetch from there
        self._polling = False
        self._rereading: set[TP] = set()  # nothing is committed until they are read from elsewhere
        #: Given what is committed of each partition, and of which ones another program wrote it,
        #: returns where to go on instead.
        self.continue_at: ContinueAt | None = None
        super().__init__(*args, **kwargs)
        self.scheduler = SliceScheduler(self.scheduler, self._paces)
        self.app.sensors.add(BatchSizeSensor(self._paces, self._on_taken))

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

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, Slice):
            return super()._to_message(tp, record)
        last = record.records[-1]
        message = ConsumerMessage(
            record.topic,
            record.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            None,
            None,
            cast("bytes", record),  # Faust hands on whatever it is given
            None,
            serialized_key_size=0,
            serialized_value_size=0,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )
        # the condition under which Consumer._drain_messages delivers it; what it drops must
        # not wait for an acknowledgement
        read = self._read_offset[tp]
        if read is None or last.offset >= read:
            self._in_flight[tp].add(message, last.offset)
            # While a slice of the partition waits for its agent, leave the next records to the
            # client: they come as one slice then, where a slice each would pile up. An agent
            # that takes 3 ms a slice falls behind 1,000 events a second otherwise.
            self._waiting[tp].add(message)
            self.on_buffer_full(tp)
        return message

    def _on_taken(self, message: Message) -> None:
        waiting = self._waiting.get(message.tp, set())
        if message in waiting:  # and not of an assignment that is past
            waiting.discard(message)
            if not waiting:
                self.on_buffer_drop(message.tp)

    async def _wait_next_records(
        self,
        timeout: float,  # noqa: ASYNC109  # Faust's signature
    ) -> tuple[RecordMap | None, set[TP] | None]:
        # with every partition held back, Faust sleeps for a second, however soon there is room
        if self._buffered_partitions and not self._active_partitions:
            self._room.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), timeout)
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
            return await self._from_where_told(records) if self._told else records

    def _follow_resets(self, records: RecordMap) -> None:
        """Let records pass that lie before those read so far, after the client went back.

        Faust drops them otherwise, and nothing is read until the log is as long as it was.
        """
        watch = self._thread.watch
        for key, found in records.items():
            tp = TP(*key)
            if watch is None or tp in self._told or not watch.was_reset((tp.topic, tp.partition)):
                continue
            self._read_offset[tp] = found[0].offset

    async def _from_where_told(self, records: RecordMap) -> RecordMap:
        """Let the first records of a partition be those from where it was told to go on.

        A seek of Faust's that was cancelled goes on in the client's thread, and may move a
        partition to what is committed after it was moved to where its state is. A gap that is
        still there after another seek is one of the log.
        """
        kept: dict[TP, list[Any]] = {}
        for key, found in records.items():
            tp = TP(*key)
            told = self._told.pop(tp, None)
            if told is not None and found[0].offset > told:
                await self.seek_wait({tp: told})
                continue
            if told is not None and (self._read_offset.get(tp) or 0) > told:
                self._read_offset[tp] = told
            kept[key] = found
        return kept

    def on_buffer_drop(self, tp: TP) -> None:
        """Fetch again from a partition whose agent has room."""
        if tp in self._paused_partitions:  # Faust would undo the pause
            self._buffered_partitions.discard(tp)
            return
        super().on_buffer_drop(tp)
        self._room.set()
        # a poll that waits for other partitions does not see this one for up to a second
        if self._polling:
            self._thread.thread_loop.call_soon_threadsafe(self._thread.wake)

    @Service.task
    async def _stay_in_group(self) -> None:
        # The client leaves its group when it is not polled for max_poll_interval, and it is
        # not polled while all agents are slow. The loop being alive is what counts.
        interval = max(0.1, (self.app.conf.broker_max_poll_interval or 0) / 4)
        async for _ in self.itertimer(interval, name="stay_in_group"):
            if self._buffered_partitions:
                self._thread.keep_alive()

    # Commits

    def ack(self, message: Message) -> bool:
        """Note that a slice was handled, even one from before what the group has committed."""
        # Faust goes on counting such a message as being worked on.
        done: bool = super().ack(message)
        self._unacked_messages.discard(message)
        return done

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        # called for each slice, whose offset is its last one; a slice needs no gaps
        if tp.topic not in self._paces:
            await super()._add_gap(tp, offset_from, offset_to)

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self._paces:
            offset: int | None = super()._new_offset(tp)
            return offset
        # Faust's lists hold the acknowledged offsets without their order of delivery, and
        # those of generations past. They are filled in three places, one of them compiled.
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        if tp in self._rereading:
            return None
        return self._in_flight[tp].committable()

    async def perform_seek(self) -> None:
        """Go back to what is committed, or to where state is, or to the beginning.

        Nothing that was delivered counts any more.
        """
        # Faust may fetch in between, and its loop that fetches comes here, too, when it meets a
        # rebalance: what is committed and not in the state would be skipped.
        async with self._moving:
            for tp in tuple(self._in_flight):
                self._forget(tp)
            self._rereading.clear()
            await super().perform_seek()
            committed = {tp: self._committed_offset.get(tp) for tp in self.assignment()}
            begins = await self._beginnings([tp for tp, done in committed.items() if not done])
            states = await self._ask_where(committed)
            if offsets := {**begins, **states}:
                try:
                    await self.seek_wait(offsets)
                except IllegalStateError:
                    if offsets.keys() <= self.assignment():
                        raise
                    return  # a rebalance came meanwhile: after it we are here again
                self._told.update(offsets)
                self._forget_doubts(offsets)
            for tp, offset in states.items():
                self._handled(tp, offset)

    async def _ask_where(self, committed: Mapping[TP, int | None]) -> Mapping[TP, int]:
        """Return where to go on, of those partitions that do not go on at what is committed."""
        if self.continue_at is None:
            return {}
        unsigned = await self._thread.unsigned([tp for tp, done in committed.items() if done])
        self.distrust(unsigned)
        return await self.continue_at(committed, unsigned)

    def doubt(self, tp: TP, first_offset: int) -> Doubt:
        """Return what is in doubt about records that begin at an offset; it is told once."""
        watch = self._thread.watch
        return Doubt() if watch is None else watch.take((tp.topic, tp.partition), first_offset)

    def reread(self, tp: TP) -> None:
        """Have it asked again where to go on with a partition: what was delivered is void."""
        self._rereading.add(tp)
        self._forget(tp)
        self._thread.rejoin()

    def unknown(self, topics: Iterable[str]) -> list[str]:
        """Return the topics that the cluster did not have when the client last asked."""
        partitions = self._thread.partitions
        return [topic for topic in topics if not partitions(topic)]

    def distrust(self, partitions: Iterable[TP]) -> None:
        """Let what is committed of these partitions be replaced by any offset, a lower one too."""
        for tp in partitions:
            self._committed_offset[tp] = None

    async def _beginnings(self, unread: Iterable[TP]) -> dict[TP, int]:
        """Tell where partitions begin of which nothing is committed.

        The client leaves them where it is: behind records that Faust has fetched, and dropped when
        a rebalance came.
        """
        sliced = [tp for tp in unread if tp.topic in self._paces]
        found = await self.earliest_offsets(*sliced) if sliced else {}
        return {TP(*tp): offset for tp, offset in found.items()}

    def _handled(self, tp: TP, offset: int) -> None:
        """Let what is before an offset be committed, though none of it comes to us."""
        # Who wrote the state down had published what came of it, and may have ended, or lost the
        # partition, before its commit. Nobody else commits it until the next record comes.
        committed = self._committed_offset.get(tp)
        if committed is None or offset > committed:
            self._in_flight[tp] = InFlight(offset)
            self._acked[tp].clear()  # Faust commits what has an entry here

    async def seek(self, partition: TP, offset: int) -> None:
        """Go to `offset`: what was delivered of the partition does not count any more."""
        self._forget(partition)
        await super().seek(partition, offset)

    def _forget(self, tp: TP) -> None:
        self._told.pop(tp, None)
        self._forget_doubts([tp])
        self._in_flight.pop(tp, None)
        if self._waiting.pop(tp, None):
            self.on_buffer_drop(tp)

    def _forget_doubts(self, partitions: Iterable[TP]) -> None:
        for tp in partitions:
            if self._thread.watch is not None:
                self._thread.watch.forget((tp.topic, tp.partition))

    # Rebalances

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit what was handled, then forget what was delivered."""
        # Faust forgets first: what was acknowledged since the last interval is handled twice.
        # A coordinator that does not answer must not keep this worker from joining again.
        if not self.in_transaction:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.commit(), self.app.conf.broker_session_timeout / 2)
        for tp in revoked:
            self._told.pop(tp, None)
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
