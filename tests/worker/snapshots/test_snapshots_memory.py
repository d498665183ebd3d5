"""Memory of a worker while it writes and reads snapshots, as numbers of records and states."""

import asyncio
import gc
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from worker.snapshots.test_snapshots_changes import Counted, Plain

from streamproc.config.config import Config
from streamproc.worker.snapshots import store as snapshots_store
from streamproc.worker.snapshots.codec import Decoded
from streamproc.worker.snapshots.records import CHUNK_BYTES, Key, SnapshotSet, records
from streamproc.worker.snapshots.snapshots import Snapshots
from streamproc.worker.snapshots.store import AT_ONCE, Bounds, SnapshotStore

KEY = Key("group", "predictions", 3, 5, "me", 0, 0)
CHUNKS = 1000


class Sending(SnapshotStore):
    """Counts the records that exist when a group of them is confirmed."""

    def __init__(self) -> None:
        super().__init__(Config(), None)  # type: ignore[arg-type]
        self.made = self.confirmed = self.most = 0
        self.parts: list[int] = []

    async def _write(
        self, batches: Sequence[Sequence[tuple[bytes, bytes | None]]], _number: int
    ) -> None:
        self.most = max(self.most, self.made - self.confirmed)
        self.confirmed += sum(map(len, batches))


def test_a_snapshot_is_written_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing a large state does not hold a second copy of it, cut into records."""
    store = Sending()

    def counted(*given: Any) -> Iterator[tuple[Key, bytes]]:
        for record in records(*given):
            store.made += 1
            yield record

    monkeypatch.setattr(snapshots_store, "records", counted)
    sections = [bytes(CHUNKS * CHUNK_BYTES), bytes(16)]
    written = asyncio.run(store.write(KEY, sections, 100, {}))
    assert store.confirmed == written.records == CHUNKS + 2  # the digest, the manifest
    batch = 2**18 // CHUNK_BYTES
    assert store.most <= (AT_ONCE + 1) * batch


def test_snapshots_of_a_partition_are_freed_before_the_next_is_decoded() -> None:
    """A worker that takes over many partitions does not hold all of their snapshots twice."""
    partitions = [("predictions", number) for number in range(6)]
    sets: list[weakref.ref[SnapshotSet]] = []
    alive: list[int] = []

    class Found(Sending):
        async def read(self, _partitions: Any, _kind: str = "") -> Any:  # type: ignore[override]
            found = {}
            for name, number in partitions:
                found[name, number] = SnapshotSet()
                key = KEY._replace(partition=number)
                for record in records(key, [b"state", b"%032d" % 10], 10):
                    found[name, number].add(*record)
                sets.append(weakref.ref(found[name, number]))
            return found, dict.fromkeys(partitions, Bounds(0, 100))

        async def contradicted(self, _marks: Any) -> set[Any]:
            return set()

    class Watching(Plain):
        def decode(self, data: bytes, partition: Any) -> Decoded[Any]:
            gc.collect()
            alive.append(sum(found() is not None for found in sets))
            return super().decode(data, partition)

    snapshots = Snapshots(Config(), Found(), Watching(), Counted(), lambda: 0.0, cost=0.0)
    resumed = asyncio.run(snapshots.resume(dict.fromkeys(partitions, 10), 1))
    assert [found.next for found in resumed.values()] == [10] * 6
    assert alive == [6, 5, 4, 3, 2, 1]
