"""What of a snapshot is written, and when."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.state.snapshot_format import SnapshotError
from streamproc.worker.snapshots import records as snapshots_records
from streamproc.worker.snapshots import snapshots
from streamproc.worker.snapshots.codec import Decoded
from streamproc.worker.snapshots.records import Key, SnapshotSet
from streamproc.worker.snapshots.snapshots import SnapshotCost, Snapshots
from streamproc.worker.snapshots.store import Bounds, SnapshotStore

HOME = ("predictions", 3)
State = list[bytes]
END = 2  # the last chunk of the digest, and the manifest


class Interrupted(Exception):  # noqa: N818  the end of a process
    """A worker ends in the middle of a write."""


class Topic(SnapshotStore):
    """A compacted topic in memory.

    Attributes
    ----------
    collected
        The last value of each key.
    left
        Records that it takes until its writer ends.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config, None)  # type: ignore[arg-type]
        self.collected = SnapshotSet()
        self.left = 10**9

    async def _send(self, some: Iterable[tuple[Key, bytes | None]]) -> None:
        for key, value in some:
            if not self.left:
                raise Interrupted
            self.left -= 1
            self.collected.add(key, value)

    async def read(self, _partitions: Any, _kind: str = "") -> Any:  # type: ignore[override]
        """Return what there is."""
        return {HOME: self.collected}, {HOME: Bounds(0, 10**6)}


class Plain:
    """States that are lists of bytes; the last is what the others' digest would be."""

    kind, reset_note = "", "all is reset"

    def fresh(self, _partition: Any) -> State:
        """Give nothing."""
        return []

    def encode(self, state: State, _partition: Any, following: int) -> Sequence[bytes]:
        """Write a state."""
        return [*state, b"%032d" % following]

    def decode(self, data: bytes, _partition: Any) -> Decoded[State]:
        """Read a state."""
        return Decoded([data[:-32]], int(data[-32:]))


class Counted:
    """What was counted."""

    def __init__(self) -> None:
        self.costs: list[SnapshotCost] = []

    def snapshot(self, cost: SnapshotCost) -> None:
        """Count a snapshot."""
        self.costs.append(cost)

    def snapshot_failed(self) -> None:
        """Count a failure."""

    def recovered(self, _outcome: str) -> None:
        """Count a recovery."""

    def state_gap(self) -> None:
        """Count a gap."""


class Owner:
    """One owner of a partition, with a clock of its own."""

    def __init__(self, store: Topic, generation: int = 1, **given: Any) -> None:
        self.now = 1000.0
        self.counted = Counted()
        config = load({"snapshots": given})
        self.kept = Snapshots(config, store, Plain(), self.counted, lambda: self.now, cost=0.0)
        found = asyncio.run(self.kept.resume({HOME: None}, generation))
        self.resumed = found[HOME]

    def save(self, state: State, following: int) -> SnapshotCost:
        """Write a state down."""
        asyncio.run(self.kept.save(self.resumed.keeper, state, following))
        return self.counted.costs[-1]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make several chunks of what fits into a test."""
    monkeypatch.setattr(snapshots_records, "CHUNK_BYTES", 10)


def states(*changes: int) -> list[State]:
    """Give a state of 20 chunks, and it again after each change: the chunk that becomes another."""
    parts = [b"%010d" % number for number in range(20)]
    found = [[b"".join(parts)]]
    for turn, changed in enumerate(changes):
        parts[changed] = b"%010d" % (1000 + turn)
        found.append([b"".join(parts)])
    return found


def test_only_what_has_changed_is_written() -> None:
    """After one snapshot in each slot, a chunk and the end are all that a change costs."""
    owner = Owner(Topic(Config()))
    first, second, third, fourth = states(4, 4, 9)
    assert [owner.save(first, 1).records, owner.save(second, 2).records] == [25, 25]
    assert owner.save(third, 3).records == 1 + END
    # The slot holds what was before the last one: both changes are new to it.
    assert owner.save(fourth, 4).records == 2 + END
    assert owner.save(fourth, 5).size == 232


def test_a_part_that_grows_leaves_the_others_what_they_are() -> None:
    """More of one section does not move what lies behind it."""
    owner = Owner(Topic(Config()))
    short, long = [b"a" * 55, b"b" * 100], [b"a" * 75, b"b" * 100]
    for following in (1, 2):
        owner.save(short, following)
    assert owner.save(long, 3).records == 3 + END
    owner.save(long, 4)
    topic = Topic(Config())
    again = Owner(topic)
    again.save(long, 1)
    again.save(long, 2)
    again.save(short, 3)
    assert len(topic.collected.keys) == (6 + 10 + 4 + 1) + (8 + 10 + 4 + 1)


def test_all_is_written_again_after_an_hour() -> None:
    """What is gone from the topic, unseen, is there again an hour later."""
    owner = Owner(Topic(Config()))
    [state] = states()
    assert [owner.save(state, turn).records for turn in range(4)] == [25, 25, END, END]
    owner.now += snapshots.FULL_WRITE_SECONDS
    assert [owner.save(state, turn).records for turn in range(4, 8)] == [25, 25, END, END]


def test_each_owner_begins_with_all_of_it() -> None:
    """Who takes a partition over, or keeps it when owners change, refers to nobody's chunks."""
    topic = Topic(Config())
    owner = Owner(topic)
    [state] = states()
    for turn in range(4):
        owner.save(state, turn)
    owner.kept.promote(owner.resumed.keeper, 7)
    assert owner.save(state, 5).records == 25
    later = Owner(topic, generation=8)
    assert later.resumed.state == state
    assert later.save(state, 6).records == 25
    assert {key.epoch for key in topic.collected.keys} == {8}


@settings(max_examples=60, deadline=None)
@given(
    changes=st.lists(st.integers(0, 19), min_size=1, max_size=8),
    left=st.integers(0, 120),
)
def test_an_interrupted_write_leaves_a_whole_one(changes: list[int], left: int) -> None:
    """Wherever an owner ends, its successor has a state that was written, and the latest whole."""
    topic = Topic(Config())
    owner = Owner(topic)
    written = states(*changes)
    topic.left = left
    done = 0
    try:
        for following, state in enumerate(written, 1):
            owner.save(state, following)
            done = following
    except Interrupted:
        topic.left = 10**9
    found = Owner(topic, generation=2).resumed
    # The manifest may have been the last record that came through.
    assert found.next in ({done or None, done + 1} if done else {None, 1})
    if found.next:
        assert found.state == written[found.next - 1]


def test_a_chunk_that_is_gone_is_seen() -> None:
    """A snapshot that refers to what the topic has lost is refused; the other slot counts."""
    topic = Topic(Config())
    owner = Owner(topic)
    for following, state in enumerate(states(1, 2, 3), 1):
        owner.save(state, following)
    newest = topic.collected.found()[0]
    topic.collected.add(newest.key._replace(part=7), None)
    with pytest.raises(SnapshotError, match="1 of its 24 chunks are missing"):
        topic.collected.assemble(newest)
    assert Owner(topic, generation=2).resumed.next == 3


def test_much_that_comes_is_written_down_sooner() -> None:
    """A partition is due when its interval is over, or when enough bytes have come."""
    owner = Owner(Topic(Config()), interval="30s", bytes="1MiB")
    keeper, kept = owner.resumed.keeper, owner.kept
    [state] = states()
    owner.save(state, 1)
    assert not kept.due(keeper, 2**19)
    assert kept.due(keeper, 2**19)
    owner.save(state, 2)
    assert not kept.due(keeper, 2**19)
    owner.now += 46
    assert kept.due(keeper, 0)


def test_snapshots_take_a_share_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """After one that took a second of CPU none is due for twenty, of whichever partition."""
    now, cpu = 1000.0, 5.0
    monkeypatch.setattr(snapshots.time, "thread_time", lambda: cpu)

    class Slow(Topic):
        async def write(self, *given: Any) -> Any:
            nonlocal now, cpu
            now, cpu = now + 2, cpu + 1
            return await super().write(*given)

    config = load({"snapshots": {"interval": "0s"}})
    kept = Snapshots(config, Slow(config), Plain(), Counted(), lambda: now)
    one, other = (kept.keeper(("predictions", number), []) for number in range(2))
    assert kept.due(one, 1)
    assert kept.due(other, 1)
    asyncio.run(kept.save(one, [b"state"], 1))
    for keeper, rest in ((one, 40), (other, 20)):
        now = 1002 + rest - 0.1
        assert not kept.due(keeper, 2**30)
        now = 1002 + rest
        assert kept.due(keeper, 2**30)


def test_partitions_take_turns() -> None:
    """Partitions that came at one moment are not written down at one moment, whichever they are."""
    owner = Owner(Topic(Config()), interval="32s")
    dues = [owner.kept.keeper(("predictions", number), []).due for number in range(8)]
    gaps = [abs(a - b) % 32 for at, a in enumerate(dues) for b in dues[:at]]
    assert min(min(gap, 32 - gap) for gap in gaps) > 1.5
    assert all(16 <= due - owner.now <= 48 for due in dues)
    [state] = states()
    keeper = owner.resumed.keeper
    turn = keeper.due % 32
    for following in range(5):
        owner.save(state, following)
        assert keeper.due % 32 == pytest.approx(turn)
        owner.now += 17.0
