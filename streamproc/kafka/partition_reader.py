"""Read the records of a fetch, so that an unreadable record only affects itself.

aiokafka 0.14.0 raises at the first record that it cannot parse, and again at each later fetch; it
decompresses batches of any size. Here its compiled parser reads what it can. Other records are
parsed one by one, and unreadable ones take their place among them.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from streamproc.kafka.codecs import CODECS, CompressionError, UnpackedTooLargeError
from streamproc.kafka.compat import DefaultRecordBatch, LegacyRecordBatch
from streamproc.kafka.lenient_records import read_records
from streamproc.kafka.log_batches import LEGACY, Batch, Fetch, batches, unpacked
from streamproc.schemas.records import Reason, UnreadableRecord

__all__ = ["PartitionReader"]

# Version and type, two bytes each.
_MARKER_BYTES: Final = 4


class PartitionReader(Iterator[Any]):
    """Iterate over the records of a fetch, in the order of the log.

    Parameters
    ----------
    fetch
        Fetched bytes of a partition.
    unpacked_bytes
        Maximum bytes of a decompressed batch; a larger one is one unreadable record.
    convert
        Converts a parsed record; None: records are returned as parsed.
    committed
        Whether records of aborted transactions are skipped.
    on_begin
        Called with the offset from which on records are read, whenever an iteration begins.

    Attributes
    ----------
    next_fetch_offset
        Offset after the last returned record.
    """

    def __init__(
        self,
        fetch: Fetch,
        unpacked_bytes: int,
        convert: Callable[[Any], Any] | None = None,
        *,
        committed: bool = True,
        on_begin: Callable[[int], None] | None = None,
    ) -> None:
        self.next_fetch_offset = fetch.offset
        self._fetch = fetch
        self._unpacked_bytes = unpacked_bytes
        self._convert = convert
        self._on_begin = on_begin
        self._aborted = sorted(fetch.aborted or (), key=lambda each: each[1]) if committed else []
        self._aborting: set[int] = set()
        self._records = self._read()

    def __iter__(self) -> "PartitionReader":
        if self._on_begin is not None:
            self._on_begin(self.next_fetch_offset)
        return self

    def __next__(self) -> Any:
        return next(self._records)

    def _read(self) -> Iterator[Any]:
        convert = self._convert
        for batch in batches(self._fetch):
            if batch.last >= self._fetch.highwater and not self._is_complete(batch):
                detail = f"{batch.fault or 'it lacks records'}; the rest comes with the next fetch"
                at = self.next_fetch_offset
                self.next_fetch_offset = at + 1
                yield self._unreadable(
                    batch._replace(base=at, last=at, fault=""), Reason.CORRUPT, detail
                )
                return
            for record in () if self._skips(batch) else self._parsed(batch):
                offset = record.offset
                if offset > batch.last:  # past the end of the log, the consumer would be reset
                    detail = f"a record has offset {offset}, after the last one of its batch"
                    record = self._unreadable(batch, Reason.CORRUPT, detail)  # noqa: PLW2901
                    offset = batch.last
                if offset < self.next_fetch_offset:
                    continue  # the requested offset is in the middle of a batch
                self.next_fetch_offset = offset + 1
                if convert is None or record.__class__ is UnreadableRecord:
                    yield record
                else:
                    yield convert(record)
            # Compaction may have removed the last records of a batch.
            self.next_fetch_offset = max(self.next_fetch_offset, batch.last + 1)

    def _is_complete(self, batch: Batch) -> bool:
        """Whether each offset of a batch has a record.

        Beyond the high watermark of the response this proves its last offset: nothing there can be
        compacted yet, and a wrong one would lead past the end of the log, where a consumer would be
        reset to its beginning.
        """
        if batch.magic in LEGACY:
            return True
        found = [record.offset for record in self._parsed(batch)]
        return len(found) == batch.last + 1 - batch.base and found == list(
            range(batch.base, batch.last + 1)
        )

    def _skips(self, batch: Batch) -> bool:
        """Track aborted transactions; return whether to skip a batch."""
        if batch.fault or batch.magic in LEGACY:
            return False
        while self._aborted and self._aborted[0][1] <= batch.base:
            self._aborting.add(self._aborted.pop(0)[0])
        if batch.is_control:
            self._aborting.discard(batch.producer)  # commit or abort: both end it
            return _is_marker(batch)
        return batch.is_transactional and batch.producer in self._aborting

    def _parsed(self, batch: Batch) -> Iterator[Any]:
        if batch.fault:
            yield self._unreadable(batch, Reason.CORRUPT, batch.fault)
            return
        if batch.is_control:
            yield self._unreadable(batch, Reason.CORRUPT, "it is not a transaction's marker")
            return
        try:
            view = unpacked(batch, self._unpacked_bytes)
        except UnpackedTooLargeError as error:
            detail = f"it unpacks to {error}; raise limits.record_bytes if that is meant"
            yield self._unreadable(batch, Reason.TOO_LARGE, detail)
        except CompressionError as error:
            known = batch.codec in CODECS
            reason = Reason.CORRUPT if known else Reason.UNSUPPORTED_CODEC
            yield self._unreadable(batch, reason, str(error))
        else:
            yield from self._records_of(batch, view)

    def _records_of(self, batch: Batch, view: memoryview) -> Iterator[Any]:
        """Yield records of the compiled parser until it fails, then parse one by one."""
        count = 0
        try:
            legacy = batch.magic in LEGACY
            parser = LegacyRecordBatch(view, batch.magic) if legacy else DefaultRecordBatch(view)
            for record in parser:
                yield record
                count += 1
        except Exception as error:  # noqa: BLE001  the compiled parser raises various errors
            if batch.magic in LEGACY:
                detail = f"{type(error).__name__}: {error}"
                yield self._unreadable(batch, Reason.CORRUPT, detail)
            else:
                yield from read_records(view, self._fetch.topic, self._fetch.partition, count)

    def _unreadable(self, batch: Batch, reason: Reason, detail: str) -> UnreadableRecord:
        first, last = batch.base, batch.last
        where = f"offset {last}" if first >= last else f"offsets {first} to {last}"
        return UnreadableRecord(
            topic=self._fetch.topic,
            partition=self._fetch.partition,
            offset=last,
            timestamp=max(0, batch.timestamp),
            timestamp_type=batch.timestamp_type,
            reason=reason,
            detail=f"the batch at {where} cannot be read: {detail}",
        )


def _is_marker(batch: Batch) -> bool:
    try:
        return all(
            len(record.key or b"") >= _MARKER_BYTES for record in DefaultRecordBatch(batch.view)
        )
    except Exception:  # noqa: BLE001  the compiled parser raises various errors
        return False
