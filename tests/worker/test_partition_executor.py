"""Partitions wait side by side, and each is worked on in order."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.worker.partition_executor import PartitionExecutor

A, B = ("predictions", 0), ("predictions", 1)


class Works:
    """Work that goes on until it is let go, and what has happened to it."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    def of(self, name: str) -> Callable[[], Coroutine[Any, Any, None]]:
        """Give work that waits for `let_go`."""
        end = self._ends[name] = asyncio.Event()

        async def work() -> None:
            self.happened.append(f"{name} begins")
            await end.wait()
            self.happened.append(f"{name} ends")

        return work

    def let_go(self, name: str) -> None:
        """Let work come to its end."""
        self._ends[name].set()


async def turns() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_partition_that_waits_keeps_no_other_from_going_on() -> None:
    """While alerts of one partition are not confirmed, slices of another are taken and done."""
    lanes, works = PartitionExecutor(), Works()
    await lanes.submit(A, works.of("a"))
    await lanes.submit(B, works.of("b"))
    works.let_go("b")
    await turns()
    assert works.happened == ["a begins", "b begins", "b ends"]
    assert lanes.busy


async def test_a_slice_waits_for_the_one_before_it() -> None:
    """The next slice of a partition is not begun before the one before is acknowledged."""
    lanes, works = PartitionExecutor(), Works()
    await lanes.submit(A, works.of("first"))
    second = asyncio.create_task(lanes.submit(A, works.of("second")))
    await turns()
    assert works.happened == ["first begins"]
    works.let_go("first")
    await second
    await turns()
    assert works.happened == ["first begins", "first ends", "second begins"]


async def test_work_starts_at_once_only_if_nothing_of_its_partition_is_under_way() -> None:
    """Neither an earlier slice is overtaken, nor one that waits, nor who waits for a pause."""
    lanes, works = PartitionExecutor(), Works()
    assert lanes.start(A, works.of("first"))
    assert not lanes.start(A, works.of("refused"))
    assert lanes.start(B, works.of("other"))
    second = asyncio.create_task(lanes.submit(A, works.of("second")))
    await turns()
    works.let_go("other")
    await turns()
    assert not lanes.start(B, works.of("refused"))
    works.let_go("first")
    await second
    await turns()
    assert "refused begins" not in works.happened
    assert works.happened[-1] == "second begins"
    assert lanes.start(B, works.of("last"))


async def test_still_is_when_nothing_is_under_way_and_nothing_begins() -> None:
    """State is written down, or got after a rebalance, between slices and never during one."""
    lanes, works = PartitionExecutor(), Works()
    await lanes.submit(A, works.of("a"))

    async def save() -> None:
        async with lanes.quiesce():
            works.happened.append("still")
            await turns()
            works.happened.append("over")

    saving = asyncio.create_task(save())
    await turns()
    beginning = asyncio.create_task(lanes.submit(B, works.of("b")))
    await turns()
    assert works.happened == ["a begins"]
    works.let_go("a")
    await saving
    await beginning
    await turns()
    assert works.happened == ["a begins", "a ends", "still", "over", "b begins"]


async def test_who_waits_in_vain_keeps_nothing_from_beginning() -> None:
    """A command to save that was given up does not stop the worker."""
    lanes, works = PartitionExecutor(), Works()
    await lanes.submit(A, works.of("a"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0), lanes.quiesce():
            pytest.fail("something is under way")
    await lanes.submit(B, works.of("b"))
    works.let_go("a")
    works.let_go("b")
    await turns()
    assert {"a ends", "b ends"} < set(works.happened)
    assert not lanes.busy


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3))))
def test_each_partition_is_in_order(slices: list[tuple[int, int]]) -> None:
    """However long slices take, those of a partition neither overlap nor overtake one another."""
    happened: dict[int, list[tuple[str, int]]] = {}

    async def work(partition: int, number: int, long: int) -> None:
        happened.setdefault(partition, []).append(("begins", number))
        for _ in range(long):
            await asyncio.sleep(0)
        happened[partition].append(("ends", number))

    async def all_of_them() -> None:
        lanes = PartitionExecutor()
        for number, (partition, long) in enumerate(slices):
            await lanes.submit(
                ("t", partition), lambda p=partition, n=number, t=long: work(p, n, t)
            )
        async with lanes.quiesce():
            pass

    asyncio.run(all_of_them())
    for partition in {partition for partition, _ in slices}:
        numbers = [n for n, (of, _) in enumerate(slices) if of == partition]
        wanted = [(what, n) for n in numbers for what in ("begins", "ends")]
        assert happened[partition] == wanted
