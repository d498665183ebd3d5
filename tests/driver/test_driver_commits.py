"""What a consumer commits as it stops, and what becomes of offsets that others committed."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from driver.test_driver import agent, application, consumer_of
from faust.types import TP

from streamproc.driver import slice_topic
from streamproc.driver.consumer import SliceConsumer


def sliced_consumer() -> SliceConsumer:
    """Return the consumer of an application whose agent reads topic ``t`` in slices."""
    app = application()
    app.agent(slice_topic(app, "t"))(agent)
    consumer = consumer_of(app)
    consumer._find_sliced([one.channel for one in app.agents.values()])
    return consumer


async def test_what_another_program_committed_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An offset that another program moved forward is committed back to where the state is."""
    consumer, tp = sliced_consumer(), TP("t", 0)

    async def seek_wait(_: Any) -> None:
        return

    async def ahead() -> Mapping[TP, int]:
        return {tp: 99}

    async def unsigned(_: Any) -> set[TP]:
        return {tp}

    async def continue_at(_: Any, distrusted: Any) -> Mapping[TP, int]:
        assert distrusted == {tp}
        return {tp: 9}

    monkeypatch.setattr(consumer, "seek_wait", seek_wait)
    monkeypatch.setattr(consumer, "seek_to_committed", ahead)
    monkeypatch.setattr(consumer, "assignment", lambda: {tp})
    monkeypatch.setattr(consumer._thread, "unsigned", unsigned)
    consumer.continue_at = continue_at
    await consumer.perform_seek()
    pending = consumer._filter_tps_with_pending_acks()
    assert consumer._filter_committable_offsets(pending) == {tp: 9}


@pytest.mark.parametrize("event", ["stop", "revocation"])
async def test_what_is_acknowledged_during_a_commit_is_committed_before_it_is_too_late(
    event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A consumer that stops, or loses partitions, does not leave it to a commit in progress."""
    consumer, tp = sliced_consumer(), TP("t", 0)
    begun, answered = asyncio.Event(), asyncio.Event()
    acknowledged, committed = 5, []

    async def commit_offsets(offsets: Mapping[TP, int], **_: Any) -> bool:
        begun.set()
        await answered.wait()
        committed.append(offsets[tp])
        return True

    monkeypatch.setattr(consumer, "_filter_tps_with_pending_acks", lambda _: [tp])
    monkeypatch.setattr(consumer, "_new_offset", lambda _: acknowledged)
    monkeypatch.setattr(consumer, "_commit_offsets", commit_offsets)
    consumer._committed_offset[tp] = None
    periodic = asyncio.create_task(consumer.commit())
    await begun.wait()
    acknowledged = 9
    leave = consumer.on_stop() if event == "stop" else consumer.on_partitions_revoked({tp})
    leaving = asyncio.create_task(leave)
    await asyncio.sleep(0)
    answered.set()
    await asyncio.gather(periodic, leaving)
    assert committed == [5, 9]
