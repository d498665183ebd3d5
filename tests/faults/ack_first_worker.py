"""What no worker may be; the tests of crashes have to notice it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from streamproc.worker.partition_state import PartitionState
from streamproc.worker.pipeline import Pipeline
from streamproc.worker.worker import Worker

_ONE = asyncio.Lock()  # the outbox is put in the place of that of all partitions


class HastyWorker(Worker):
    """What no worker may be: it acknowledges a slice, and then publishes what came of it."""

    async def _take(self, part: Any, acknowledge: Any) -> None:
        await acknowledge()
        await super()._take(part, _nothing)


class HastyPipeline(Pipeline):
    """What no pipeline may be: it writes its state down, and then publishes what came of it."""

    async def handle(self, part: Any, *rest: Any) -> None:
        """Take the slice into the state and save that, before it is published."""
        held = self._held[part.topic, part.partition]
        async with _ONE:
            outbox, self._outbox = self._outbox, _Later()  # type: ignore[assignment]
            await super().handle(part, *rest)
            later, self._outbox = self._outbox, outbox
        assert isinstance(held, PartitionState)
        assert held.next is not None
        await self._save(held, held.next)  # whether it is time or not
        await outbox.publish(*later.kept)  # type: ignore[attr-defined]


class _Later:
    """An outbox that only notes what it is given."""

    kept: tuple[Sequence[Any], Sequence[Any]] = ((), ())

    async def publish(self, alerts: Sequence[Any], dead_letters: Sequence[Any]) -> frozenset[str]:
        self.kept = alerts, dead_letters
        return frozenset()


async def _nothing() -> None:
    return
