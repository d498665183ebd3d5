"""Map snapshots to records of a compacted topic: chunks, then a manifest."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from streamproc.decode.structs import DECODE_ERRORS
from streamproc.state.snapshot_format import Section, SnapshotError
from streamproc.worker.log_marks import RecordMark

# Unit of incremental writes: about twenty series. Smaller chunks would mean more records, each
# with a key of a hundred bytes.
CHUNK_BYTES: Final = 16 * 1024
SECTION: Final = 2**20
"""Maximum chunks of a section: section n numbers its chunks from n × SECTION."""
MANIFEST: Final = -1
MARK: Final = -2
"""Part number of the last record's mark; earlier versions ignore it."""
SLOTS: Final = 2


class Key(NamedTuple):
    """The key of a snapshot record; compaction keeps the last record of each.

    `epoch` and `writer` identify the owner, so that a fenced owner cannot overwrite the records of
    its successor. `slot` alternates, so that a write in progress never replaces the last complete
    snapshot. `part` is the number of a chunk, or `MANIFEST`.
    """

    group: str
    topic: str
    partition: int
    epoch: int
    writer: str
    slot: int
    part: int

    def pack(self) -> bytes:
        """Encode the key; equal keys give equal bytes."""
        return msgspec.json.encode(self)


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lists a snapshot's chunks: their number, total bytes, digest, and the offset after its state.

    `sections` has the number of chunks of each section. Chunks may be from earlier snapshots: the
    digest, which ends the last chunk, covers all of them.
    """

    next: int
    chunks: int
    bytes: int
    digest: str
    sections: tuple[int, ...] = ()


class LastRecord(msgspec.Struct, frozen=True):
    """The mark of the last record in a state, and the offset after it."""

    next: int
    mark: RecordMark


class Candidate(NamedTuple):
    """A snapshot with a manifest; `SnapshotSet.assemble` checks that it is complete."""

    key: Key
    manifest: Manifest


class SnapshotSet:
    """The last value of each key of one partition's snapshots."""

    def __init__(self) -> None:
        self._values: dict[Key, bytes] = {}

    @property
    def keys(self) -> tuple[Key, ...]:
        """Every key that has a value."""
        return tuple(self._values)

    @property
    def epoch(self) -> int:
        """The highest epoch of any key; 0 without keys."""
        return max((key.epoch for key in self._values), default=0)

    def add(self, key: Key, value: bytes | None) -> None:
        """Add a record; a tombstone removes its key."""
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value

    def found(self) -> list[Candidate]:
        """Return the snapshots, newest first: by epoch, then by offset."""
        manifests = [
            Candidate(key, manifest)
            for key, value in self._values.items()
            if key.part == MANIFEST and (manifest := _manifest(value)) is not None
        ]
        return sorted(
            manifests, key=lambda found: (found.key.epoch, found.manifest.next), reverse=True
        )

    def mark(self, found: Candidate) -> RecordMark | None:
        """Return the mark of the last record in a snapshot; None if it has none."""
        value = self._values.get(found.key._replace(part=MARK))
        try:
            last = None if value is None else msgspec.json.decode(value, type=LastRecord)
        except DECODE_ERRORS:
            return None
        # An interrupted write leaves a newer mark beside an old manifest.
        return last.mark if last is not None and last.next == found.manifest.next else None

    def assemble(self, found: Candidate) -> bytes:
        """Join the chunks of a snapshot, and verify them.

        Raises
        ------
        SnapshotError
            If a chunk is missing, or the chunks do not match the manifest.
        """
        manifest = found.manifest
        counts = manifest.sections or (manifest.chunks,)
        # A flipped bit may claim any number of chunks.
        if sum(map(abs, counts)) != manifest.chunks or manifest.chunks > len(self._values):
            raise SnapshotError(f"its manifest names {manifest.chunks} chunks that do not exist")
        parts = [at * SECTION + n for at, count in enumerate(counts) for n in range(count)]
        chunks = [self._values.get(found.key._replace(part=part)) for part in parts]
        there = [chunk for chunk in chunks if chunk is not None]
        if len(there) < len(chunks):
            missing = len(chunks) - len(there)
            raise SnapshotError(f"{missing} of its {len(chunks)} chunks are missing")
        data = b"".join(there)
        end = data[len(data) - len(manifest.digest) // 2 :]
        if len(data) != manifest.bytes or end.hex() != manifest.digest:
            raise SnapshotError("its chunks do not match the size or digest in its manifest")
        return data


def key_of(data: bytes | None) -> Key | None:
    """Decode a record's key; None if it is not a snapshot key."""
    try:
        return None if data is None else msgspec.json.decode(data, type=Key)
    except DECODE_ERRORS:
        return None


def records(
    key: Key, sections: Sequence[Section], following: int, mark: RecordMark | None = None
) -> Iterator[tuple[Key, bytes]]:
    """Split a snapshot into records, the manifest last.

    Parameters
    ----------
    key
        Key of the snapshot; `part` is ignored.
    sections
        The snapshot, with its digest last. When a section grows, the chunks of the others do not
        change.
    following
        Offset after the last record in the state.
    mark
        Mark of that record; None: unknown.

    Yields
    ------
    key, value
        Of each record; the snapshot is valid once the last one is written.
    """
    counts = []
    for at, data in enumerate(sections):
        starts = range(0, len(data), CHUNK_BYTES)
        counts.append(len(starts))
        for part, start in enumerate(starts, at * SECTION):
            yield key._replace(part=part), bytes(data[start : start + CHUNK_BYTES])
    if mark is not None:
        yield key._replace(part=MARK), msgspec.json.encode(LastRecord(following, mark))
    manifest = Manifest(
        next=following,
        chunks=sum(counts),
        bytes=sum(map(len, sections)),
        digest=sections[-1].hex(),
        sections=tuple(counts),
    )
    yield key._replace(part=MANIFEST), msgspec.json.encode(manifest)


def _manifest(value: bytes) -> Manifest | None:
    try:
        return msgspec.json.decode(value, type=Manifest)
    except DECODE_ERRORS:
        return None
