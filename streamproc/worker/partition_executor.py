"""Run work on several partitions concurrently, in order within each."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from streamproc.worker.pipeline import Partition

Work = Callable[[], Coroutine[Any, Any, None]]


class PartitionExecutor:
    """Process slices of several partitions concurrently, one at a time per partition.

    All run in one event loop: computing never overlaps, waiting for the cluster does.

    Examples
    --------
    >>> async def say(word: str) -> None:
    ...     await asyncio.sleep(0)
    ...     print(word)
    >>> async def two_of_one_partition() -> None:
    ...     lanes = PartitionExecutor()
    ...     for word in ("first", "second"):
    ...         await lanes.submit(("predictions", 0), lambda word=word: say(word))
    ...     async with lanes.quiesce():
    ...         print("over")
    >>> asyncio.run(two_of_one_partition())
    first
    second
    over
    """

    def __init__(self) -> None:
        self._under_way: dict[Partition, asyncio.Task[None]] = {}
        self._gate = asyncio.Lock()

    @property
    def busy(self) -> bool:
        """Whether work is in progress or blocked by `quiesce`."""
        return bool(self._under_way) or self._gate.locked()

    async def submit(self, partition: Partition, work: Work) -> None:
        """Start work on a partition once its previous work has finished.

        Parameters
        ----------
        partition
            Topic and partition number.
        work
            Returns the coroutine to run, which must not raise.
        """
        async with self._gate:
            if (before := self._under_way.get(partition)) is not None:
                await asyncio.wait((before,))
            self._start(partition, work)

    def start(self, partition: Partition, work: Work) -> bool:
        """Start work on a partition now; return whether it could start without waiting."""
        if self._gate.locked() or partition in self._under_way:
            return False
        self._start(partition, work)
        return True

    @asynccontextmanager
    async def quiesce(self) -> AsyncIterator[None]:
        """Wait for work in progress, and start none until the block ends."""
        async with self._gate:
            if self._under_way:
                await asyncio.wait(self._under_way.values())
            yield

    def _start(self, partition: Partition, work: Work) -> None:
        task = self._under_way[partition] = asyncio.create_task(work())
        task.add_done_callback(partial(self._over, partition))

    def _over(self, partition: Partition, task: "asyncio.Task[None]") -> None:
        if self._under_way.get(partition) is task:
            del self._under_way[partition]
