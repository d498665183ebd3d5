"""Poll records in the client's thread, and schedule their delivery."""

import time
from collections.abc import Collection, Container, Iterator, Mapping
from functools import partial
from typing import Any, Protocol, cast

import uvloop
from aiokafka import AIOKafkaConsumer
from faust.transport.consumer import RecordMap
from faust.transport.drivers import aiokafka as base
from faust.types import TP
from faust.types.transports import SchedulingStrategyT

from streamproc.driver.commits import fetch_unsigned, sign_commits
from streamproc.driver.slices import BatchSizer, Polled, split
from streamproc.driver.standing_poll import StandingPoll
from streamproc.kafka.closed_transports import report_closed_transports
from streamproc.kafka.compat import (
    client_of,
    coordinator_of,
    fetcher_of,
    limit_fetches,
    mark_polled,
    max_poll_records,
    notify_readers,
    read_committed,
)
from streamproc.kafka.fetch_codec import speed_up_fetches
from streamproc.kafka.fetch_pacing import pace_fetches
from streamproc.kafka.fetch_repeater import repeat_fetches
from streamproc.kafka.fetch_throttle import throttle_fetches
from streamproc.kafka.fetched_records import read_leniently
from streamproc.kafka.log_watch import NO_DOUBT, Doubt, LogWatch
from streamproc.kafka.member_id import keep_member_id

__all__ = ["SliceScheduler", "SliceThread"]

#: Milliseconds that the broker may hold an empty fetch while fetched records wait in the client,
#: which has one fetch in flight per broker: a partition that is drained meanwhile waits for it, up
#: to 1.5 s with Faust's constant. Other fetches may be held longer: see `pace_fetches`.
_FETCH_WAIT_MS = 50

#: Bytes of one fetch of all partitions; the client's default is 50 MB, and it copies a response
#: while parsing it. This is enough for three slices of small events; a single larger record is
#: returned nonetheless.
_FETCH_BYTES = 4 << 20


class Sliced(Protocol):
    """A consumer with sliced topics and their limits."""

    @property
    def sliced(self) -> Container[str]:
        """Names of topics."""

    def poll_records(self) -> int | None:
        """Return the number; None: no limit."""

    def unpacked_bytes(self) -> int:
        """Return how many bytes a batch may unpack to."""

    def linger(self) -> float:
        """Return the longest wait between two fetches, in seconds."""


class SliceThread(base.AIOKafkaConsumerThread):
    """The thread of the Kafka client, with uvloop's faster event loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, thread_loop=uvloop.new_event_loop(), **kwargs)
        self._watch: LogWatch | None = None  # until there is a client
        self._begins: Mapping[Any, int] = {}
        self._polls: StandingPoll | None = None  # until the client is polled
        self._close_thread_loop_on_stop = True  # the loop is not shared

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust passes 1500 and offers no setting
        limit_fetches(consumer, _FETCH_WAIT_MS, _FETCH_BYTES)
        read_committed(consumer)
        report_closed_transports(client_of(consumer))
        sliced = cast("Sliced", self.consumer)
        self._begins = read_leniently(consumer, sliced.unpacked_bytes, sliced.sliced)
        speed_up_fetches(consumer)
        throttle_fetches(consumer, _FETCH_WAIT_MS)
        pace_fetches(consumer, sliced.linger)
        keep_member_id(consumer)
        sign_commits(consumer)
        self._watch = LogWatch(consumer)
        self._polls = None
        repeat_fetches(consumer)
        return consumer

    async def getmany(
        self,
        active_partitions: set[TP] | None,
        timeout: float,  # noqa: ASYNC109  # Faust's signature
    ) -> RecordMap:
        """Return records that the client's thread has fetched, at most as many as fit one slice."""
        # Faust's queue between threads needs two tasks and two hops per call
        self.keep_alive()
        return await self._standing().poll(partial(self._drain, active_partitions), timeout)

    def _standing(self) -> StandingPoll:
        if self._polls is None:
            self._polls = StandingPoll(self._ensure_consumer(), self.thread_loop)
        return self._polls

    async def _drain(self, active_partitions: set[TP] | None) -> RecordMap:
        if active_partitions is not None and not active_partitions:
            return {}  # all were paused meanwhile
        consumer = self._ensure_consumer()
        sliced = cast("Sliced", self.consumer)
        found = await self._fetch_records(
            consumer,
            active_partitions or set(),  # all
            timeout=0,
            max_records=sliced.poll_records() or max_poll_records(consumer),
        )
        return {
            tp: Polled(records, self._begins[tp], self._doubt(tp)) for tp, records in found.items()
        }

    def _doubt(self, tp: TP) -> Doubt:
        return NO_DOUBT if self._watch is None else self._watch.doubt((tp.topic, tp.partition))

    def settle(self, tp: TP, doubt: Doubt) -> None:
        """Forget a doubt about the log of a partition, once it was checked."""
        if self._watch is not None:
            partition = tp.topic, tp.partition
            self.thread_loop.call_soon_threadsafe(self._watch.settle, partition, doubt)

    async def _seek_wait(self, consumer: AIOKafkaConsumer, partitions: Mapping[TP, int]) -> None:
        if self._watch is not None:
            for tp in partitions:
                self._watch.moving((tp.topic, tp.partition))
        await super()._seek_wait(consumer, partitions)

    async def unsigned(self, partitions: Collection[TP]) -> set[TP]:
        """Return the partitions with a committed offset that no worker of this version wrote."""
        fetched: set[TP] = await self.call_thread(
            fetch_unsigned, self._ensure_consumer(), partitions
        )
        return fetched

    def wake(self) -> None:
        """Wake a waiting poll, so that it checks all active partitions."""
        notify_readers(fetcher_of(self._ensure_consumer()))

    def partitions(self, topic: str) -> set[int]:
        """Return the partitions of a topic, as far as the client knows."""
        cluster = client_of(self._ensure_consumer()).cluster
        return cluster.partitions_for_topic(topic) or set()

    def rejoin(self) -> None:
        """Request a rebalance of the group."""
        coordinator = coordinator_of(self._ensure_consumer())
        self.thread_loop.call_soon_threadsafe(coordinator.request_rejoin)

    def keep_alive(self) -> None:
        """Mark the client as polled, so that it stays in its group."""
        mark_polled(self._ensure_consumer(), time.monotonic())


class SliceScheduler(SchedulingStrategyT):
    """Order polled records: other topics as Faust does, then slices, round-robin by partition.

    Parameters
    ----------
    inner
        Scheduler of the application's settings, for other topics.
    paces
        Topic name → batch sizer, of sliced topics.
    """

    def __init__(self, inner: SchedulingStrategyT, paces: Mapping[str, BatchSizer]) -> None:
        self._inner = inner
        self._paces = paces

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
        """Yield partition and record, or partition and slice."""
        others = {tp: found for tp, found in records.items() if tp.topic not in self._paces}
        if others:
            yield from self._inner.iterate(others)
        waiting = [  # Faust requires its own type of partition
            (TP(*tp), split(tp.topic, tp.partition, found, self._paces[tp.topic]))
            for tp, found in records.items()
            if tp.topic in self._paces
        ]
        while waiting:
            for turn in tuple(waiting):
                part = next(turn[1], None)
                if part is None:
                    waiting.remove(turn)
                else:
                    yield turn[0], part
