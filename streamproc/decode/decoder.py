"""Decode the records of a slice: plain events in scans, the others one by one."""

from collections import deque
from collections.abc import Sequence
from itertools import compress

import numpy as np

from streamproc.decode.arrow_decoder import ArrowDecoder
from streamproc.decode.decoded_events import PLACE_BITS, LayoutBatch, LayoutBatches
from streamproc.decode.duplicate_keys import find_duplicate_key, suspects
from streamproc.decode.fast_decoder import DecodedColumns
from streamproc.decode.layout import Layout
from streamproc.decode.lenient import COUNTED
from streamproc.decode.normalise import Normalised, normalise
from streamproc.decode.structs import DECODE_ERRORS, in_range
from streamproc.decode.vectorised import by_layout, within, without, without_rows
from streamproc.schemas.records import Record, SliceResult

# Records per scan: enough to amortise the call, and few enough to stay in the processor's cache.
_CHUNK = 512
# A record that must be read alone splits a scan, which costs as much as a record or two. If more
# than one record in this many must be, all are.
_FEW = 16
# Records to read one by one before the next scan, while no layout is known for any of their keys: a
# model whose schema has grown has a layout again after a few events.
_UNKNOWN = 64
# Bytes of an event for each feature of its layout, below which it has less than half of them. The
# decoder of the layout costs as much as the layout has features, the general one as the event has.
_PER_FEATURE = 3


class Decoder(ArrowDecoder):
    """Decode the records of one partition; see `EventBatcher` for the parameters."""

    def read(self, records: Sequence[Record], outcome: SliceResult) -> None:
        """Decode a slice and pass all of its events to `watch`."""
        self._alone = {*self.strays, *self.numeric_texts}
        self._odd: dict[int, Normalised] = {}  # scanned events of this slice that were rewritten
        batches: LayoutBatches = {}
        first = 0
        while first < len(records):
            stop = min(first + _CHUNK, len(records))
            if self._catalogue.waiting:
                due = self._catalogue.idle.due
                if records[first].offset >= due:
                    self._serve_waiting(records, first, batches, outcome)
                    due = self._catalogue.idle.due or records[stop - 1].offset + 1
                later = range(first + 1, stop)
                stop = next((at for at in later if records[at].offset >= due), stop)
            first = self._read_chunk(records, range(first, stop), batches, outcome)
        self._hand_over(batches, records, outcome)

    def _read_chunk(
        self,
        records: Sequence[Record],
        chunk: range,
        batches: LayoutBatches,
        outcome: SliceResult,
    ) -> int:
        """Decode plain events in one scan, and the records between them one by one.

        Returns
        -------
        int
            Position of the next record: before the end of the chunk if models may be evicted there.
        """
        scanning = self._scans.due()
        found = self._scan(records, chunk) if scanning else []
        if scanning and not found:
            scanning, chunk = False, chunk[:_UNKNOWN]  # nothing was scanned: no reason to back off
        if scanning and sum([part.positions.size for _, part in found]) == len(chunk):
            self._scans.note(worth_it=True)
            self._doubtful = set()
            self._add_scanned(found, records, batches, outcome)
            return chunk.stop
        single = without(chunk, found)
        too_many = len(single) > len(chunk) // _FEW
        if scanning:
            self._scans.note(worth_it=not too_many)
        if too_many:
            found, single = [], chunk
        done = chunk.start
        self._doubt(records, single)
        waiting = deque(single)
        while waiting:
            position = waiting.popleft()
            self._gather(found, range(done, position), records, batches, outcome)
            done = position + 1
            self._read_one(records, position, batches, outcome)
            if self._catalogue.waiting and self._is_due(records[chunk.stop - 1]):
                self._left.clear()
                return done
            if self._left:
                # the layout of these models changed: decode their scanned events again
                found, again = without_rows(found, self._left, done)
                self._left.clear()
                if again:
                    waiting = deque(sorted((*waiting, *again)))
                    self._doubt(records, waiting)
        self._gather(found, range(done, chunk.stop), records, batches, outcome)
        return chunk.stop

    def _is_due(self, last: Record) -> bool:
        """Whether idle models may be evicted before a record."""
        return last.offset >= self._catalogue.idle.due

    def _scan(self, records: Sequence[Record], chunk: range) -> list[tuple[Layout, DecodedColumns]]:
        """Decode the plain events of a chunk, by layout."""
        hints, longest = self._hints, self._limits.record_bytes
        hinted = [
            None if record.headers else hints.get(record.key)
            for record in records[chunk.start : chunk.stop]
        ]
        found: list[tuple[Layout, DecodedColumns]] = []
        for layout, positions in by_layout(hinted, chunk).items():
            if layout is not None and layout.plain is not None:
                layout.plain.ignores = self._ignores_unknown(layout)
                part = layout.plain.read(layout.rows, records, positions, longest)
                if self._lenient is not None and len(part) < len(positions):
                    part = self._scan_odd(layout, part, records, positions)
                if self._alone:
                    rows = [layout.rows[name] for name in self._alone if name in layout.rows]
                    part = part.where(~np.isin(part.rows, rows)) if rows else part
                found.append((layout, part))
        return found

    def _ignores_unknown(self, layout: Layout) -> bool:
        """Whether further features are ignored, and that was reported."""
        full = layout.shape.features >= self._limits.max_features
        return full and "max_features" in self._catalogue.limits_reported

    def _scan_odd(
        self,
        layout: Layout,
        part: DecodedColumns,
        records: Sequence[Record],
        positions: Sequence[int],
    ) -> DecodedColumns:
        """Add the events that are plain once their odd fields are rewritten.

        An event of a kind that was not reported for its model is left to the lenient decoder,
        which reports it.
        """
        assert layout.plain is not None  # noqa: S101  the caller has read its plain events
        read = set(part.positions.tolist())
        longest, is_utc = self._limits.record_bytes, self._is_utc
        odd: dict[int, Normalised] = {}
        for at in positions:
            value = records[at].value
            if at in read or not value or len(value) > longest:
                continue
            if at not in self._doubtful and (found := normalise(value, utc=is_utc)) is not None:
                odd[at] = found
        if not odd:
            return part
        values = [found.value for found in odd.values()]
        more = layout.plain.read(layout.rows, records, list(odd), longest, values)
        reported = self._catalogue.limits_reported
        known = [
            all(
                f"{kind}:{layout.model(row).id}" in reported
                for kind, count in zip(COUNTED, odd[at][1:], strict=True)
                if count
            )
            for at, row in zip(more.positions.tolist(), more.rows.tolist(), strict=True)
        ]
        more = more.where(np.array(known, bool))
        self._odd |= {at: odd[at] for at in more.positions.tolist()}
        return part.merged(more) if len(more) else part

    def _gather(
        self,
        found: list[tuple[Layout, DecodedColumns]],
        span: range,
        records: Sequence[Record],
        batches: LayoutBatches,
        outcome: SliceResult,
    ) -> None:
        """Add the scanned events of a span of records to their batches, without duplicates."""
        if not span:
            return
        parts = [(layout, within(part, span)) for layout, part in found]
        self._add_scanned(parts, records, batches, outcome)

    def _add_scanned(
        self,
        parts: list[tuple[Layout, DecodedColumns]],
        records: Sequence[Record],
        batches: LayoutBatches,
        outcome: SliceResult,
    ) -> None:
        """Add scanned events to their batches, without duplicates."""
        named: list[int] = []
        for _, part in parts:
            named += compress(part.positions.tolist(), part.named.tolist())
        if len(parts) > 1:
            named.sort()
        bodies = [each.value or b"" for each in map(records.__getitem__, named)]
        repeated = self.recent.duplicates(bodies)
        outcome.repeated += len(repeated)
        again = [named[index] for index in repeated]
        for layout, part in parts:
            new = part.where(~np.isin(part.positions, again)) if again else part
            if new.positions.size:
                batches.setdefault(layout, LayoutBatch()).parts.append(new)
                if self._odd:
                    odd = [self._odd[at] for at in new.positions.tolist() if at in self._odd]
                    for place, kind in enumerate(COUNTED, 1):
                        outcome.fields[kind] += sum(int(found[place]) for found in odd)

    def _doubt(self, records: Sequence[Record], positions: Sequence[int]) -> None:
        """Mark the records that may hold a duplicate key."""
        values = [records[at].value for at in positions]
        doubts = suspects(values, self._limits.record_bytes)
        self._doubtful = {positions[index] for index in doubts}

    def _read_one(
        self, records: Sequence[Record], position: int, batches: LayoutBatches, outcome: SliceResult
    ) -> None:
        """Decode one record, with the decoder of the layout that its key suggests if possible."""
        record = records[position]
        value, layout = record.value, self._hints.get(record.key)
        if (
            layout is not None
            and value
            and not record.headers
            and _PER_FEATURE * layout.shape.features < len(value) <= self._limits.record_bytes
        ):
            try:
                event = layout.typed.decode(value)
            except DECODE_ERRORS:
                event = None  # may only be new to this layout: the general decoder decides
            if (
                event is not None
                and event.model_id in layout.rows
                and in_range(event.ts, record.timestamp)
                and not (self._alone and event.model_id in self._alone)
                and (position not in self._doubtful or find_duplicate_key(value) is None)
            ):
                if event.event_id is not None and self.recent.seen(value):
                    outcome.repeated += 1
                else:
                    batches.setdefault(layout, LayoutBatch()).add(event, position << PLACE_BITS)
                return
        self._read_any(records, position, batches, outcome)
