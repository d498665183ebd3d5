"""A snapshot as records of a compacted topic: chunks, and a manifest that is written last."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from streamproc.decode.structs import DECODE_ERRORS
from streamproc.state.snapshot_format import Section, SnapshotError
from streamproc.worker.log_marks import RecordMark

# What is written again when anything in it has changed: some twenty series. Less would make more
# records of it, each with a key of a hundred bytes.
CHUNK_BYTES: Final = 16 * 1024
SECTION: Final = 2**20
"""Chunks that a section may have: the numbers of the next one's begin behind them."""
MANIFEST: Final = -1
MARK: Final = -2
"""Number of the part that names the last record in the state: versions before leave it alone."""
SLOTS: Final = 2


class Key(NamedTuple):
    """What a record of the topic is: compaction keeps the last one of each.

    `epoch` and `writer` are the owner's, so that two owners never write the same key: one
    that has lost its partition can spoil nothing but its own. `slot` alternates, so that what
    is being written never takes the place of the last whole snapshot. `part` is the number of
    a chunk, or `MANIFEST`.
    """

    group: str
    topic: str
    partition: int
    epoch: int
    writer: str
    slot: int
    part: int

    def pack(self) -> bytes:
        """Write it: equal keys give equal bytes."""
        return msgspec.json.encode(self)


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What makes chunks a snapshot: how many, how they end, and the offset after its state.

    `sections` has the number of chunks of each section. It does not matter when a chunk was
    written: the digest, which is the end of the last one, is over all of them.
    """

    next: int
    chunks: int
    bytes: int
    digest: str
    sections: tuple[int, ...] = ()


class LastRecord(msgspec.Struct, frozen=True):
    """Which record is the last one in the state that ends at an offset."""

    next: int
    mark: RecordMark


class Candidate(NamedTuple):
    """A snapshot that has a manifest; whether it is whole is seen when it is put together."""

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
        """The highest epoch that was ever seen, 0 without any."""
        return max((key.epoch for key in self._values), default=0)

    def add(self, key: Key, value: bytes | None) -> None:
        """Take a record; one without a value removes what there was."""
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value

    def found(self) -> list[Candidate]:
        """Give what there is, the newest first: the highest epoch, there the highest offset."""
        manifests = [
            Candidate(key, manifest)
            for key, value in self._values.items()
            if key.part == MANIFEST and (manifest := _manifest(value)) is not None
        ]
        return sorted(
            manifests, key=lambda found: (found.key.epoch, found.manifest.next), reverse=True
        )

    def mark(self, found: Candidate) -> RecordMark | None:
        """Return the last record of a snapshot; None where it does not say."""
        value = self._values.get(found.key._replace(part=MARK))
        try:
            last = None if value is None else msgspec.json.decode(value, type=LastRecord)
        except DECODE_ERRORS:
            return None
        # The one of a snapshot whose writing was interrupted stands beside an old manifest.
        return last.mark if last is not None and last.next == found.manifest.next else None

    def whole(self, found: Candidate) -> bytes:
        """Put a snapshot together.

        Raises
        ------
        SnapshotError
            If a chunk is missing, or chunks are of another snapshot than the manifest.
        """
        manifest = found.manifest
        counts = manifest.sections or (manifest.chunks,)
        # A flipped bit may ask for any number of them.
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
    """Read a record's key; None when it is none of ours."""
    try:
        return None if data is None else msgspec.json.decode(data, type=Key)
    except DECODE_ERRORS:
        return None


def records(
    key: Key, sections: Sequence[Section], following: int, mark: RecordMark | None = None
) -> Iterator[tuple[Key, bytes]]:
    """Cut a snapshot into records, the manifest last.

    Parameters
    ----------
    key
        Whose it is; `part` does not matter.
    sections
        The snapshot, the digest of it last; where one grows, the chunks of the others stay what
        they are.
    following
        Offset after the last record that is in the state.
    mark
        Of that record; None: not known.

    Yields
    ------
    key, value
        Of each record; nothing is a snapshot until the last one is there.
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
