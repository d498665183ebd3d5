import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.state.snapshot_format import SnapshotError
from streamproc.worker.snapshots import records as snapshots_records
from streamproc.worker.snapshots.records import MANIFEST, Key, SnapshotSet, key_of, records

KEY = Key("group", "predictions", 3, 5, "me", 0, 0)


def collected(*snapshots: tuple[Key, bytes, int]) -> SnapshotSet:
    """Write snapshots one after the other, as a compacted topic keeps them."""
    found = SnapshotSet()
    for key, data, following in snapshots:
        for name, value in records(key, [data], following):
            found.add(name, value)
    return found


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make several chunks of what fits into a test."""
    monkeypatch.setattr(snapshots_records, "CHUNK_BYTES", 100)


def test_keys_come_back() -> None:
    """A key is read as it was written, and what is no key is nobody's."""
    assert key_of(KEY.pack()) == KEY
    odd = (None, b"", b"[1]", b'{"group": 1}', KEY.pack().replace(b"g", b"\xff"), b"[" * 10_000)
    assert [key_of(key) for key in odd] == [None] * len(odd)


@pytest.mark.parametrize("flip", [(b'"chunks":2', b'"chunks":9000000000'), (b"next", b"n\xffxt")])
def test_a_broken_manifest_is_no_snapshot(flip: tuple[bytes, bytes]) -> None:
    """A manifest of which bits were flipped costs neither time nor the snapshot before it."""
    *chunks, (name, manifest) = records(KEY._replace(slot=1), [b"2" * 150], 30)
    found = collected((KEY, b"1" * 150, 10))
    for key, value in (*chunks, (name, manifest.replace(*flip))):
        found.add(key, value)
    usable = []
    for candidate in found.found():
        try:
            usable.append(found.assemble(candidate))
        except SnapshotError:
            continue
    assert usable == [b"1" * 150]


@given(size=st.integers(33, 500))
def test_a_snapshot_is_put_together_again(size: int) -> None:
    """However many chunks it takes, what is read is what was written."""
    data = bytes(n % 251 for n in range(size))
    found = collected((KEY, data, 7))
    [newest] = found.found()
    assert newest.manifest.next == 7
    assert found.assemble(newest) == data


@given(data=st.data())
def test_a_write_that_was_interrupted_leaves_the_one_before(data: st.DataObject) -> None:
    """Whichever record of the next snapshot is the last that is written, one whole is left."""
    first, second = b"1" * 450, b"2" * 550
    found = collected((KEY, b"0" * 300, 10), (KEY._replace(slot=1), first, 20))
    written = list(records(KEY, [second], 30))
    for name, value in written[: data.draw(st.integers(0, len(written)))]:
        found.add(name, value)
    usable = []
    for candidate in found.found():
        try:
            usable.append(found.assemble(candidate))
        except SnapshotError:
            continue
    whole = found.found()[0].manifest.next == 30
    assert usable[0] == (second if whole else first)


def test_a_zombie_never_wins_over_its_successor() -> None:
    """What an owner of the past writes later, even of a later offset, is behind and apart."""
    late = KEY._replace(epoch=4, writer="zombie")
    found = collected((late, b"1" * 300, 10), (KEY, b"2" * 300, 20), (late, b"3" * 300, 99))
    assert [candidate.manifest.next for candidate in found.found()] == [20, 99]
    assert found.assemble(found.found()[0]) == b"2" * 300
    assert found.epoch == 5


def test_the_last_offset_of_an_epoch_is_the_newest() -> None:
    """Of the two slots of an owner the later one counts."""
    found = collected((KEY, b"1" * 300, 30), (KEY._replace(slot=1), b"2" * 300, 20))
    assert [candidate.manifest.next for candidate in found.found()] == [30, 20]


def test_what_is_missing_is_named() -> None:
    """A snapshot without one of its chunks is refused with their number."""
    found = collected((KEY, b"1" * 300, 30))
    found.add(KEY._replace(part=1), None)
    with pytest.raises(SnapshotError, match="1 of its 3 chunks are missing"):
        found.assemble(found.found()[0])


def test_a_manifest_that_cannot_be_read_is_none() -> None:
    """Chunks without a manifest are no snapshot."""
    found = collected((KEY, b"1" * 300, 30))
    found.add(KEY._replace(part=MANIFEST), b"{")
    assert found.found() == []
    assert set(found.keys) == {KEY._replace(part=part) for part in (MANIFEST, 0, 1, 2)}
