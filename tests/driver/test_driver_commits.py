"""What becomes of offsets that another program has committed."""

from collections.abc import Mapping
from typing import Any

import pytest
from driver.test_driver import agent, application, consumer_of
from faust.types import TP

from streamproc.driver import slice_topic


async def test_what_another_program_committed_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An offset that another program moved forward is committed back to where the state is."""
    app, tp = application(), TP("t", 0)
    app.agent(slice_topic(app, "t"))(agent)
    consumer = consumer_of(app)
    consumer._find_sliced([one.channel for one in app.agents.values()])

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
