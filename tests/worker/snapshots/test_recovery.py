"""Which snapshot an owner goes on with, and what it tells of the log."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from worker.snapshots.test_snapshots_changes import HOME, Counted, Plain, Topic

from streamproc.config.config import Config
from streamproc.worker.log_marks import RecordMark
from streamproc.worker.snapshots.snapshots import Recovered, Snapshots

OLD, NEW = RecordMark(49, "a"), RecordMark(99, "b")


class Log(Topic):
    """Snapshots in memory, beside a log of which a test says what it still holds."""

    def __init__(self) -> None:
        super().__init__(Config())
        self.gone: set[RecordMark] = set()

    async def contradicted(self, marks: Mapping[Any, RecordMark]) -> set[Any]:
        """Return the partitions whose mark is not in the log."""
        return {partition for partition, mark in marks.items() if mark in self.gone}


def resume(log: Log, committed: int | None, **more: Any) -> Recovered[Any]:
    """Take over the partition."""
    kept = Snapshots(Config(), log, Plain(), Counted(), lambda: 0.0, cost=0.0)
    return asyncio.run(kept.resume({HOME: committed}, 1, **more))[HOME]


@pytest.fixture
def log() -> Log:
    """Give a log whose first hundred records were handled, with a snapshot on the way."""
    log = Log()
    kept = Snapshots(Config(), log, Plain(), Counted(), lambda: 0.0, cost=0.0)
    keeper = asyncio.run(kept.resume({HOME: None}, 0))[HOME].keeper
    for mark, state in ((OLD, [b"old"]), (NEW, [b"new"])):
        keeper.mark = mark
        asyncio.run(kept.save(keeper, state, mark.offset + 1))
    return log


def test_the_newest_snapshot_of_the_log_counts(log: Log) -> None:
    """Where the log still has the last record handled, nothing is told, and told is what was."""
    found = resume(log, 120)
    assert (found.next, found.published_to, found.gap, found.rewound) == (100, 120, None, False)
    assert found.keeper.mark == NEW


def test_a_snapshot_of_another_log_is_left_for_the_one_before(log: Log) -> None:
    """Records replaced since the snapshot before: it counts, and what was committed does not."""
    log.gone = {NEW}
    found = resume(log, 120)
    assert (found.next, found.published_to, found.rewound) == (50, 0, True)
    assert found.gap is not None
    assert "no longer exist" in found.gap.message


def test_a_log_that_fits_no_snapshot_is_read_from_its_beginning(log: Log) -> None:
    """The state is fresh, everything is published, and an alert names the offsets."""
    log.gone = {NEW, OLD}
    found = resume(log, 120)
    assert (found.state, found.next, found.published_to, found.rewound) == ([], 0, 0, True)
    assert found.gap is not None
    assert "offset 100" in found.gap.message


def test_a_snapshot_that_names_no_record_is_believed(log: Log) -> None:
    """Snapshots of versions before are read as they were."""
    log.gone = {NEW, OLD}
    for key in [key for key in log.collected.keys if key.part == -2]:
        log.collected.add(key, None)
    found = resume(log, 120)
    assert (found.next, found.published_to, found.rewound) == (100, 120, False)


def test_what_another_program_committed_swallows_nothing(log: Log) -> None:
    """An offset that no worker committed does not show what was published."""
    found = resume(log, 120, unsigned={HOME})
    assert (found.next, found.published_to, found.gap) == (100, 0, None)


def begin(log: Log, start: int, committed: int | None = None) -> Recovered[Any]:
    """Take over the partition in a group that begins it at an offset."""
    snapshots = Snapshots(
        *(Config(), log, Plain(), Counted(), lambda: 0.0), cost=0.0, starts={HOME: start}
    )
    return asyncio.run(snapshots.resume({HOME: committed}, 1))[HOME]


def test_a_start_that_was_chosen_is_durable_before_anything_is_read() -> None:
    """The next owner resumes there, whether or not the offset was committed, without an alert."""
    log = Log()
    found = begin(log, 70)
    assert (found.next, found.gap, found.keeper.saved) == (70, None, 70)
    for committed in (None, 70):
        again = resume(log, committed)
        assert (again.next, again.gap, again.rewound) == (70, None, False)


def test_a_start_counts_for_nothing_once_there_is_a_snapshot(log: Log) -> None:
    """A group that has read the partition resumes where it was."""
    assert begin(log, 70).next == 100


def test_a_start_beyond_the_end_is_one_of_an_earlier_log() -> None:
    """A topic that was recreated before anything was read is read from its first record."""
    assert begin(Log(), 10**7).next is None
