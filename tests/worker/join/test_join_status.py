"""What a failing store means, and how often its join tries again."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from streamproc.worker.join.status import MAX_PAUSE, JoinStatus, damaged, probe, store_failure


def full(path: Path) -> None:
    """Fill a store whose disk has no page left."""
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE t (x BLOB)")
        file.execute("PRAGMA max_page_count = 3")
        file.execute("INSERT INTO t VALUES (zeroblob(100000))")


def read_only(path: Path) -> None:
    """Write to a store on a disk that is mounted read-only."""
    sqlite3.connect(path).execute("CREATE TABLE t (x)")
    sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("INSERT INTO t VALUES (1)")


def gone(path: Path) -> None:
    """Open a store whose folder is not there any more."""
    sqlite3.connect(path.parent / "gone" / "store.db")


def overwritten(path: Path) -> None:
    """Read a file that is no store."""
    path.write_bytes(b"no store " * 1000)
    sqlite3.connect(path).execute("SELECT * FROM t")


def cut(path: Path) -> None:
    """Read a store of which only a part was written."""
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE t (x BLOB)")
        file.execute("INSERT INTO t VALUES (zeroblob(100000))")
    file.close()
    path.write_bytes(path.read_bytes()[:8192])
    sqlite3.connect(path).execute("SELECT * FROM t").fetchall()


@pytest.mark.parametrize(
    ("what", "content"),
    [(full, False), (read_only, False), (gone, False), (overwritten, True), (cut, True)],
)
def test_only_a_damaged_store_is_removed(
    what: Callable[[Path], None], tmp_path: Path, *, content: bool
) -> None:
    """What waits in a store whose disk fails is worth keeping; damage is read again."""
    with pytest.raises(sqlite3.Error) as failed:
        what(tmp_path / "store.db")
    assert damaged(failed.value) is content
    assert str(tmp_path) in store_failure(tmp_path / "store.db", failed.value)


def test_a_probe_leaves_nothing_and_needs_the_folder(tmp_path: Path) -> None:
    """It writes beside the store, and removes what it wrote."""
    probe(tmp_path / "store.db")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="No such file"):
        probe(tmp_path / "gone" / "store.db")


def test_pauses_grow_until_records_were_stored() -> None:
    """A commit without progress, as of an empty transaction on a full disk, clears nothing."""
    status = JoinStatus()
    assert [status.fail(0.0, "full") for _ in range(7)] == [2, 4, 8, 16, 32, MAX_PAUSE, MAX_PAUSE]
    status.handled += 100  # outcomes that were read again
    status.begin()
    status.committed(behind=5)
    assert status.failure == "full"
    status.handled += 1
    status.committed(behind=4)
    assert status.failure is None
    assert status.fail(0.0, "full again") == 2


def test_a_failure_is_over_when_nothing_waits() -> None:
    """A store that can be opened again, and has all records, is as good as new."""
    status = JoinStatus()
    status.fail(0.0, "full")
    status.begin()
    status.committed(behind=0)
    assert status.failure is None
