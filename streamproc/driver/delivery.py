"""Deliver slices to their agents, or start them without their agents' queues."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from functools import partial
from typing import Any, Final, cast

from faust.transport.drivers import aiokafka as base
from faust.types import TP, ConsumerMessage, Message
from mode.utils.times import Seconds

from streamproc.driver.adaptive_batch import BatchSizeSensor
from streamproc.driver.compat import channels_of
from streamproc.driver.offsets import InFlight
from streamproc.driver.slices import BatchSizer, Slice

__all__ = ["SliceDelivery", "StartSlice"]

# Slices of that many records say little about the time of large ones, and are not measured.
_SMALL: Final = 8

#: Takes a slice and what acknowledges it; returns whether its processing has started.
StartSlice = Callable[[Slice, Callable[[], Awaitable[Any]]], bool]


class SliceDelivery(base.Consumer):
    """Consumer that delivers slices, each partition's in order.

    Attributes
    ----------
    start_slice
        Starts a slice at once, or refuses; None: all slices go through the queues of the agents.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._paces: dict[str, BatchSizer] = {}
        self._in_flight: defaultdict[TP, InFlight] = defaultdict(InFlight)
        self._waiting: defaultdict[TP, set[Message]] = defaultdict(set)
        self.start_slice: StartSlice | None = None
        super().__init__(*args, **kwargs)
        self._sizes = BatchSizeSensor(self._paces, self._on_taken)
        self.app.sensors.add(self._sizes)

    async def sleep(self, n: Seconds) -> None:
        """Sleep; for 0 seconds without the timer that Faust's service starts for each poll."""
        if n:
            await super().sleep(n)
        else:
            await asyncio.sleep(0)

    async def getmany(
        self,
        timeout: float,  # noqa: ASYNC109  # Faust's signature
    ) -> AsyncIterator[tuple[TP, Message]]:
        """Deliver slices to their agents; yield the messages of other topics."""
        # Faust starts two tasks for each message that it gets from here, to stop waiting for an
        # agent when a rebalance begins: more than half of what a small slice costs it.
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self._seek_back()
            return
        for tp, record in self.scheduler.iterate(records):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return  # a rebalance came: the records are fetched again
            if not (active is None or tp in active or tp in self._buffered_partitions):
                continue
            message = self._to_message(tp, record)
            if tp.topic not in self._paces or not await self._deliver(tp, message):
                yield tp, message

    async def _seek_back(self) -> None:
        try:
            await self.perform_seek()
        except Exception as error:  # noqa: BLE001  as Faust does: the next poll tries again
            self.log.warning("cannot seek while the flow is stopped: %r", error)

    async def _deliver(self, tp: TP, message: Message) -> bool:
        """Deliver a slice; return whether that is done, or left to Faust."""
        if self._is_read(tp, message):
            return True  # Faust drops it, too
        if not self._starts(tp, message):
            self._queue(tp, message)
            if not self._agent_has_capacity(tp):
                return False
            await self.callback(message)
        self._read_offset[tp] = message.offset
        return True

    def _is_read(self, tp: TP, message: Message) -> bool:
        """Whether a slice is below the position, as after a seek."""
        read = self._read_offset[tp]
        return read is not None and message.offset < read

    def _starts(self, tp: TP, message: Message) -> bool:
        """Start a slice without Faust's queue, stream and sensors, if it can be processed now.

        No other slice of the partition may be in flight: it would be overtaken. Where several
        agents take the topic, Faust delivers to all of them.
        """
        in_flight = self._in_flight[tp]
        if self.start_slice is None or in_flight.pending() or len(self._channels(tp)) != 1:
            return False
        part = cast("Slice", message.value)
        if not self.start_slice(part, partial(self._acknowledge, message)):
            return False
        self._unacked_messages.add(message)
        in_flight.add(message, message.offset)
        if len(part) > _SMALL:
            self._sizes.on_message_in(tp, message.offset, message)
        return True

    async def _acknowledge(self, message: Message) -> None:
        self.ack(message)
        if len(cast("Slice", message.value)) > _SMALL:
            self._sizes.on_message_out(message.tp, message.offset, message)

    def _queue(self, tp: TP, message: Message) -> None:
        """Note a slice that waits for its agent."""
        self._in_flight[tp].add(message, message.offset)
        # While a slice of the partition waits for its agent, leave the next records in the
        # client, so that they become one slice instead of many. Otherwise an agent that takes
        # 3 ms per slice falls behind 1,000 events a second.
        self._waiting[tp].add(message)
        self.on_buffer_full(tp)

    def _agent_has_capacity(self, tp: TP) -> bool:
        """Whether a slice can be delivered without waiting."""
        channels = self._channels(tp)
        return bool(
            channels
            and self.flow_active
            and self.app.flow_control.is_active()
            and not any(channel.queue.full() for channel in channels)
        )

    def _channels(self, tp: TP) -> Collection[Any]:
        """Return the channels of the agents that take a partition."""
        return channels_of(self.app.topics, tp)

    def _get_active_partitions(self) -> set[TP]:
        # Faust checks the type of each partition for each poll
        active: set[TP] | None = self._active_partitions
        return super()._get_active_partitions() if active is None else active

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, Slice):
            return super()._to_message(tp, record)
        last = record.records[-1]
        return ConsumerMessage(
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

    def _on_taken(self, message: Message) -> None:
        waiting = self._waiting.get(message.tp, set())
        if message in waiting:  # it is not from an earlier assignment
            waiting.discard(message)
            if not waiting:
                self.on_buffer_drop(message.tp)
