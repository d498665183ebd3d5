import asyncio
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.types import TP, Message

from streamproc.driver import slice_topic
from streamproc.driver.consumer import SliceConsumer

SLICED = TP("t", 0)


@pytest.fixture
async def polling(monkeypatch: pytest.MonkeyPatch) -> tuple[SliceConsumer, list[Message], Any]:
    """Return a consumer whose poll has a slice, the delivered messages, and the agent's queue."""

    async def agent(_: Any) -> None:
        """Handle nothing."""

    async def fetch(*_: Any, **__: Any) -> Any:
        return {
            SLICED: [
                SimpleNamespace(offset=o, timestamp=0, timestamp_type=0, key=None, value=b"")
                for o in (5, 6)
            ]
        }

    async def callback(message: Message) -> None:
        delivered.append(message)

    delivered: list[Message] = []
    app = faust.App("direct", broker="slices://localhost", store="memory://", web_enabled=False)
    app.agent(slice_topic(app, "t"))(agent)
    consumer = app.consumer
    assert isinstance(consumer, SliceConsumer)
    consumer._find_sliced([one.channel for one in app.agents.values()])
    consumer._set_active_tps({SLICED})
    monkeypatch.setattr(consumer._thread, "getmany", fetch)
    monkeypatch.setattr(consumer, "callback", callback)
    monkeypatch.setattr(consumer, "highwater", lambda _: 7)
    queue: asyncio.Queue[Any] = asyncio.Queue(1)
    app.topics._tp_index[SLICED] = [SimpleNamespace(queue=queue)]
    app.flow_control.resume()
    consumer.flow_active = True
    return consumer, delivered, queue


async def polled(consumer: SliceConsumer) -> list[Any]:
    """Poll once; return what is left to Faust to deliver."""
    return [found async for found in consumer.getmany(1.0)]


async def test_a_slice_is_delivered_without_tasks(
    polling: tuple[SliceConsumer, list[Message], Any],
) -> None:
    """A slice reaches an agent that has capacity without the two tasks that Faust starts."""
    consumer, delivered, _ = polling
    assert await polled(consumer) == []
    assert [message.offset for message in delivered] == [6]
    assert consumer._read_offset[SLICED] == 6


async def test_a_slice_is_not_delivered_again(
    polling: tuple[SliceConsumer, list[Message], Any],
) -> None:
    """A slice below the position that was read is dropped, as Faust drops it."""
    consumer, delivered, _ = polling
    consumer._read_offset[SLICED] = 7
    assert await polled(consumer) == []
    assert delivered == []


async def test_faust_waits_for_an_agent_without_capacity(
    polling: tuple[SliceConsumer, list[Message], Any],
) -> None:
    """A rebalance must be able to interrupt the wait for a full queue, as Faust does it."""
    consumer, delivered, queue = polling
    queue.put_nowait("a slice")
    [(tp, message)] = await polled(consumer)
    assert (tp, message.offset) == (SLICED, 6)
    assert delivered == []


async def test_a_slice_is_started_past_the_queue_of_its_agent(
    polling: tuple[SliceConsumer, list[Message], Any],
) -> None:
    """Faust's queue, stream and sensors take as long as the detectors of a small slice."""
    consumer, delivered, _ = polling
    started: list[Any] = []
    consumer.start_slice = lambda part, acknowledge: not started.append((part, acknowledge))
    consumer.app.topics._acking_topics.add("t")
    assert await polled(consumer) == []
    [(part, acknowledge)] = started
    assert ([record.offset for record in part.records], delivered) == ([5, 6], [])
    assert consumer._filter_committable_offsets([SLICED]) == {}
    await acknowledge()
    assert consumer._filter_committable_offsets([SLICED]) == {SLICED: 7}


@pytest.mark.parametrize("reason", ["refused", "in flight"])
async def test_a_slice_that_must_wait_is_queued(
    polling: tuple[SliceConsumer, list[Message], Any], reason: str
) -> None:
    """A slice does not overtake an earlier one of its partition that is not acknowledged."""
    consumer, delivered, _ = polling
    consumer.start_slice = lambda *_: reason == "in flight"
    if reason == "in flight":
        assert await polled(consumer) == []
        assert delivered == []
    assert await polled(consumer) == []
    assert [message.offset for message in delivered] == [6]


async def test_two_agents_of_one_topic_both_get_a_slice(
    polling: tuple[SliceConsumer, list[Message], Any],
) -> None:
    """A slice is not started past the queues when somebody else waits for it, too."""
    consumer, delivered, queue = polling
    consumer.start_slice = lambda *_: True
    consumer.app.topics._tp_index[SLICED].append(SimpleNamespace(queue=queue))
    assert await polled(consumer) == []
    assert [message.offset for message in delivered] == [6]
