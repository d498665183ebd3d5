import asyncio
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka.errors import IllegalStateError
from faust.transport.drivers.aiokafka import server_list
from faust.types import TP

from streamproc.driver import Slice, SliceLimits, Transport, TransportError, slice_topic
from streamproc.driver.consumer import SliceConsumer
from streamproc.driver.poll import SliceScheduler, SliceThread
from streamproc.driver.slices import BatchSizer


def application(broker: str = "slices://localhost") -> faust.App:
    """Make an application that is never started."""
    return faust.App("driver-test", broker=broker, store="memory://", web_enabled=False)


def consumer_of(app: faust.App) -> SliceConsumer:
    """Make the consumer that the application would start."""
    consumer = app.consumer
    assert isinstance(consumer, SliceConsumer)
    return consumer


async def agent(_: Any) -> None:
    """Handle nothing."""


def record(offset: int) -> Any:
    """Make a record of ten bytes."""
    return SimpleNamespace(
        topic="t",
        partition=0,
        offset=offset,
        timestamp=1_000 * offset,
        timestamp_type=0,
        key=None,
        value=bytes(10),
    )


class InOrder:
    """Stands for Faust's scheduler: what is not sliced, as it came."""

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
        """Give one record after the other."""
        return ((tp, found) for tp, all_found in records.items() for found in all_found)


def test_broker_url_chooses_the_driver() -> None:
    """``slices://`` names this transport; several hosts and the usual port work as in Faust."""
    transport = application("slices://one;slices://two:9093").transport
    assert isinstance(transport, Transport)
    assert server_list(transport.url, transport.default_port) == ["one:9092", "two:9093"]


async def test_topic_read_in_two_ways_is_refused() -> None:
    """A topic that one agent reads in slices and another by message is an error that names it."""
    app = application()
    app.agent(slice_topic(app, "a", "both"), name="one")(agent)
    app.agent(app.topic("both"), name="two")(agent)
    channels = [one.channel for one in app.agents.values()]
    with pytest.raises(TransportError, match="'both'"):
        consumer_of(app)._find_sliced(channels)


async def test_sliced_topic_on_another_transport_is_refused() -> None:
    """With ``kafka://`` a sliced topic says what to change, and does not hand over bytes."""
    app = application("kafka://localhost")
    topic = slice_topic(app, "predictions")
    message = SimpleNamespace(topic="predictions", value=b"one message")
    with pytest.raises(TransportError, match="slices://"):
        await topic.decode(message)


def test_poll_is_ordered_fairly() -> None:
    """Other topics come first; then partitions take turns, each in its own order."""
    scheduler = SliceScheduler(InOrder(), {"t": BatchSizer(SliceLimits(records=2))})
    poll = {
        TP("t", 0): [record(o) for o in range(5)],
        TP("other", 0): ["x", "y"],
        TP("t", 1): [record(o) for o in range(3)],
    }
    got = [
        (tp.topic, tp.partition, item.first_offset if isinstance(item, Slice) else item)
        for tp, item in scheduler.iterate(poll)
    ]
    assert got == [
        ("other", 0, "x"),
        ("other", 0, "y"),
        ("t", 0, 0),
        ("t", 1, 0),
        ("t", 0, 2),
        ("t", 1, 2),
        ("t", 0, 4),
    ]


@pytest.fixture
def delivering(monkeypatch: pytest.MonkeyPatch) -> tuple[SliceConsumer, TP]:
    """Give a consumer that owns one partition of a sliced topic, and has committed itself."""

    async def unsigned(_: Any) -> set[TP]:
        return set()

    monkeypatch.setattr(SliceThread, "unsigned", lambda _, partitions: unsigned(partitions))
    app = application()
    app.agent(slice_topic(app, "t"))(agent)
    consumer = consumer_of(app)
    consumer._find_sliced([one.channel for one in app.agents.values()])
    app.topics._acking_topics.add("t")
    tp = TP("t", 0)
    consumer._set_active_tps({tp})
    return consumer, tp


def deliver(consumer: SliceConsumer, tp: TP, *offsets: int) -> Any:
    """Let a slice go to the agent, as Faust does."""
    message = consumer._to_message(tp, Slice("t", 0, tuple(record(o) for o in offsets)))
    message.incref()
    if not consumer._is_read(tp, message):
        consumer._queue(tp, message)
    return message


async def test_slice_is_committed_as_a_whole(delivering: tuple[SliceConsumer, TP]) -> None:
    """Acknowledging a slice makes all of its records committable, and nothing before does."""
    consumer, tp = delivering
    first, second = deliver(consumer, tp, 3, 4, 9), deliver(consumer, tp, 12)
    second.ack(consumer)
    assert consumer._filter_committable_offsets([tp]) == {}
    first.ack(consumer)
    assert consumer._filter_committable_offsets([tp]) == {tp: 13}


async def test_partition_is_held_back_while_a_slice_waits(
    delivering: tuple[SliceConsumer, TP],
) -> None:
    """A partition is not polled from a slice's delivery until a stream has taken it."""
    consumer, tp = delivering
    message = deliver(consumer, tp, 1)
    assert tp not in consumer._active_partitions
    consumer._on_message_in(tp, message.offset, message)
    assert tp in consumer._active_partitions


async def test_pause_outlasts_a_waiting_slice(delivering: tuple[SliceConsumer, TP]) -> None:
    """A partition that the application has paused stays so when its last slice is taken."""
    consumer, tp = delivering
    message = deliver(consumer, tp, 1)
    consumer.pause_partitions({tp})
    consumer._on_message_in(tp, message.offset, message)
    assert tp not in consumer._active_partitions
    consumer.resume_partitions({tp})
    assert tp in consumer._active_partitions


async def test_slice_from_before_a_seek_is_not_committed(
    delivering: tuple[SliceConsumer, TP], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a seek, acknowledging what was delivered before has no effect."""
    consumer, tp = delivering
    stale = deliver(consumer, tp, 5, 6)
    monkeypatch.setattr(consumer._thread, "seek", lambda *_: None)
    await consumer.seek(tp, 2)
    assert tp in consumer._active_partitions  # nothing waits any more
    again = deliver(consumer, tp, 2, 3)
    stale.ack(consumer)
    assert consumer._filter_committable_offsets([tp]) == {}
    again.ack(consumer)
    assert consumer._filter_committable_offsets([tp]) == {tp: 4}


async def test_slice_handled_again_is_no_longer_worked_on(
    delivering: tuple[SliceConsumer, TP], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records from before what is committed, read again after a crash, are done once handled."""
    consumer, tp = delivering
    monkeypatch.setattr(consumer._thread, "seek", lambda *_: None)
    consumer._committed_offset[tp] = 100
    await consumer.seek(tp, 2)
    again = deliver(consumer, tp, 2, 3)
    consumer.track_message(again)
    assert set(consumer.unacked) == {again}
    again.ack(consumer)
    assert set(consumer.unacked) == set()


async def test_slice_that_faust_drops_does_not_hold_commits_up(
    delivering: tuple[SliceConsumer, TP], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slice fetched before a seek past it is never delivered, so nobody waits for it."""
    consumer, tp = delivering
    monkeypatch.setattr(consumer._thread, "seek", lambda *_: None)
    await consumer.seek(tp, 100)
    deliver(consumer, tp, 5, 6)
    deliver(consumer, tp, 100).ack(consumer)
    assert consumer._filter_committable_offsets([tp]) == {tp: 101}


async def test_first_records_are_those_from_where_the_state_is(
    delivering: tuple[SliceConsumer, TP], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moved away behind its back a partition is moved back once; what is gone then is gone."""
    consumer, tp = delivering
    fetched = iter([[9, 10], [9, 10], [11]])
    moved: list[Mapping[TP, int]] = []

    async def fetch(*_: Any, **__: Any) -> Any:
        return {tp: [record(offset) for offset in next(fetched)]}

    async def seek_wait(offsets: Mapping[TP, int]) -> None:
        moved.append(dict(offsets))

    async def committed() -> Mapping[TP, int]:
        return {tp: 9}

    async def state(*_: Any) -> Mapping[TP, int]:
        return {tp: 5}

    monkeypatch.setattr(consumer._thread, "getmany", fetch)
    monkeypatch.setattr(consumer, "seek_wait", seek_wait)
    monkeypatch.setattr(consumer, "seek_to_committed", committed)
    monkeypatch.setattr(consumer, "assignment", lambda: {tp})
    consumer.continue_at = state
    consumer.flow_active = True
    await consumer.perform_seek()
    polls = [await consumer._wait_next_records(1.0) for _ in range(3)]
    offsets = [[one.offset for one in (found or {}).get(tp, [])] for found, _ in polls]
    assert offsets == [[], [9, 10], [11]]
    assert moved == [{tp: 5}, {tp: 5}]


async def test_what_nobody_has_handled_is_read_from_its_beginning(
    delivering: tuple[SliceConsumer, TP], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that were fetched and dropped in a first rebalance, with nothing committed, come."""
    consumer, tp = delivering
    fetched = iter([[7, 8], [3, 4]])
    moved: list[Mapping[TP, int]] = []

    async def fetch(*_: Any, **__: Any) -> Any:
        return {tp: [record(offset) for offset in next(fetched)]}

    async def seek_wait(offsets: Mapping[TP, int]) -> None:
        moved.append(dict(offsets))

    async def committed() -> Mapping[TP, int | None]:
        return {tp: None}

    async def earliest(*partitions: TP) -> Mapping[TP, int]:
        return dict.fromkeys(partitions, 3)

    monkeypatch.setattr(consumer._thread, "getmany", fetch)
    monkeypatch.setattr(consumer, "seek_wait", seek_wait)
    monkeypatch.setattr(consumer, "seek_to_committed", committed)
    monkeypatch.setattr(consumer, "earliest_offsets", earliest)
    monkeypatch.setattr(consumer, "assignment", lambda: {tp})
    consumer.flow_active = True
    await consumer.perform_seek()
    polls = [await consumer._wait_next_records(1.0) for _ in range(2)]
    offsets = [[one.offset for one in (found or {}).get(tp, [])] for found, _ in polls]
    assert offsets == [[], [3, 4]]
    assert moved == [{tp: 3}, {tp: 3}]


@pytest.mark.parametrize("lost", [True, False])
async def test_a_partition_that_is_lost_while_it_is_moved_ends_nothing(
    *, lost: bool, delivering: tuple[SliceConsumer, TP], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebalance in between is no error; the client's refusal to move what is ours is one."""
    consumer, tp = delivering
    ours = {tp}

    async def seek_wait(_: Any) -> None:
        if lost:
            ours.clear()
        raise IllegalStateError(tp)

    async def committed() -> Mapping[TP, int | None]:
        return {tp: None}

    async def earliest(*partitions: TP) -> Mapping[TP, int]:
        return dict.fromkeys(partitions, 0)

    monkeypatch.setattr(consumer, "seek_wait", seek_wait)
    monkeypatch.setattr(consumer, "seek_to_committed", committed)
    monkeypatch.setattr(consumer, "earliest_offsets", earliest)
    monkeypatch.setattr(consumer, "assignment", lambda: ours)
    with nullcontext() if lost else pytest.raises(IllegalStateError):
        await consumer.perform_seek()
    assert consumer._resume_offsets == {}


@pytest.mark.parametrize(("state", "committed"), [(12, {12}), (9, set()), (5, set())])
async def test_what_the_state_holds_is_committed(
    state: int,
    committed: set[int],
    delivering: tuple[SliceConsumer, TP],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A partition that goes on ahead of what the group has committed is committed up to there."""
    consumer, tp = delivering

    async def seek_wait(_: Any) -> None:
        return

    async def behind() -> Mapping[TP, int]:
        return {tp: 9}

    async def continue_at(*_: Any) -> Mapping[TP, int]:
        return {tp: state}

    stale = deliver(consumer, tp, 9, 10, 11)
    monkeypatch.setattr(consumer, "seek_wait", seek_wait)
    monkeypatch.setattr(consumer, "seek_to_committed", behind)
    monkeypatch.setattr(consumer, "assignment", lambda: {tp})
    consumer.continue_at = continue_at
    await consumer.perform_seek()
    stale.ack(consumer)
    pending = consumer._filter_tps_with_pending_acks()
    assert set(consumer._filter_committable_offsets(pending).values()) == committed
    deliver(consumer, tp, 12, 13).ack(consumer)
    assert consumer._filter_committable_offsets([tp]) == {tp: 14}


async def test_nothing_is_fetched_while_a_partition_is_moved(
    delivering: tuple[SliceConsumer, TP], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what is committed and where the state is nobody fetches, whatever Faust does."""
    consumer, tp = delivering
    happened: list[str] = []

    async def fetch(*_: Any, **__: Any) -> Any:
        happened.append("fetched")
        return {tp: [record(5)]}

    async def moved(*_: Any) -> Mapping[TP, int]:
        polls.append(asyncio.create_task(consumer._wait_next_records(1.0)))
        await asyncio.sleep(0)
        happened.append("moved")
        return {tp: 5}

    async def seek_wait(_: Mapping[TP, int]) -> None:
        happened.append("moved")

    polls: list[asyncio.Task[Any]] = []
    monkeypatch.setattr(consumer._thread, "getmany", fetch)
    monkeypatch.setattr(consumer, "seek_wait", seek_wait)
    monkeypatch.setattr(consumer, "seek_to_committed", moved)
    monkeypatch.setattr(consumer, "assignment", lambda: {tp})
    consumer.continue_at = moved
    consumer.flow_active = True
    await consumer.perform_seek()
    await asyncio.gather(*polls)
    assert happened == ["moved", "moved", "moved", "fetched", "fetched"]


async def test_time_of_a_slice_is_learned_from_its_acknowledgement(
    delivering: tuple[SliceConsumer, TP], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that takes ten times too long gets a tenth of the records."""
    consumer, tp = delivering
    now = iter([10.0, 15.0])
    monkeypatch.setattr("time.thread_time", lambda: next(now))
    message = deliver(consumer, tp, *range(200))
    consumer._on_message_in(tp, message.offset, message)
    message.ack(consumer)
    consumer.app.sensors.on_message_out(tp, message.offset, message)
    assert consumer._paces["t"].records == 20


async def test_time_of_slices_side_by_side_is_counted_once(
    delivering: tuple[SliceConsumer, TP], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a slice taken later computes while this one waits to be confirmed is not its time."""
    consumer, tp = delivering
    now = iter([10.0, 10.1, 15.1, 15.2])
    monkeypatch.setattr("time.thread_time", lambda: next(now))
    quick, slow = deliver(consumer, tp, *range(200)), deliver(consumer, tp, *range(200, 400))
    consumer._on_message_in(tp, quick.offset, quick)
    consumer._on_message_in(tp, slow.offset, slow)
    consumer.app.sensors.on_message_out(tp, quick.offset, quick)
    assert consumer._paces["t"].records == 250
    consumer.app.sensors.on_message_out(tp, slow.offset, slow)
    assert consumer._paces["t"].records == 19
