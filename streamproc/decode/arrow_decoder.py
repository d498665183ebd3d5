"""Decode records of Arrow: plain rows of known models as columns, the others one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamproc.decode.arrow_record import table_bodies
from streamproc.decode.decoded_events import LayoutBatch, LayoutBatches
from streamproc.decode.event_batcher import reported
from streamproc.decode.fast_decoder import DecodedColumns
from streamproc.decode.layout import Layout
from streamproc.decode.plain_table import PlainTable, plain_table
from streamproc.decode.record_decoder import MAX_WAITING, RecordDecoder
from streamproc.decode.structs import FIRST_MS, LAST_MS
from streamproc.schemas.records import Record, SliceResult

# Fewer rows cost more as columns than one by one.
_FEW: Final = 8
Flags = NDArray[np.bool_]
Places = Sequence[tuple[Layout, int] | None]


@dataclass(frozen=True, slots=True)
class TableColumns(DecodedColumns):
    """Rows of one record of Arrow; `rows_of` has the index of each in `plain`."""

    rows_of: NDArray[np.int64]
    plain: PlainTable

    @property
    def indices(self) -> NDArray[np.int64]:
        """(events,): index of each event in its record."""
        return self.rows_of

    def body(self, index: int, _records: Sequence[Record]) -> bytes:
        """Return an event as JSON."""
        return msgspec.json.encode(self.plain.event(int(self.rows_of[index])))


class ArrowDecoder(RecordDecoder):
    """Decode records one by one, those of Arrow by columns; see `EventBatcher`."""

    def _read_table(
        self,
        table: Any,
        records: Sequence[Record],
        position: int,
        batches: LayoutBatches,
        outcome: SliceResult,
    ) -> None:
        """Decode the rows of a record of Arrow, in their order."""
        plain = plain_table(table, self._catalogue.topic, self._limits.max_features)
        read_row = _RowReader(table)
        if plain is None or (plain.coerced.any() and (self._lenient is None or not self._is_utc)):
            for index in range(table.num_rows):
                self._read_event(records, position, index, read_row(index), batches, outcome)
            return
        ts = _with_default(plain, records[position])
        at, places = 0, self._places(plain)
        ready = self._ready(plain, ts, places)
        while at < len(plain):
            stop = _end(ready, at)
            if ready[at] and (stop - at >= _FEW or stop == len(plain)):
                self._add_rows(plain, ts, range(at, stop), places, position, batches, outcome)
                self._end_batch(records, position, batches, outcome)
                at = stop
            else:
                digest = int(plain.hashes[at])
                self._read_event(records, position, at, read_row(at), batches, outcome, digest)
                at += 1
            now = self._places(plain)
            if now != places:
                places, ready = now, self._ready(plain, ts, now)

    def _places(self, plain: PlainTable) -> Places:
        """Return the layout and row of each model; None for those to decode one by one."""
        models, noted = self._catalogue.models, self._catalogue.limits_reported
        is_coerced = bool(plain.coerced.any())
        found: list[tuple[Layout, int] | None] = []
        for name in plain.models:
            model = models.get(name)
            if (
                model is None
                or name in self._alone
                or name in self._drafts
                or model.layout.plain is None
                or (is_coerced and reported("coerced", name) not in noted)
            ):
                found.append(None)
            else:
                found.append((model.layout, model.row))
        return found

    def _ready(self, plain: PlainTable, ts: NDArray[np.float64], places: Places) -> Flags:
        """Return which rows can be taken as columns."""
        fits: dict[Layout, Flags | None] = {}
        for place in places:
            if place is not None and place[0] not in fits:
                fits[place[0]] = plain.fits(place[0])
        found = np.zeros(len(plain), np.bool_)
        for layout, fitting in fits.items():
            if fitting is not None:
                of = np.array([*(x is not None and x[0] is layout for x in places), False])
                found |= of[plain.codes] & fitting
        return found & plain.readable & ~np.isnan(ts)

    def _add_rows(
        self,
        plain: PlainTable,
        ts: NDArray[np.float64],
        span: range,
        places: Places,
        position: int,
        batches: LayoutBatches,
        outcome: SliceResult,
    ) -> None:
        """Add a span of rows to the batches of their layouts, without duplicates."""
        chosen = np.arange(span.start, span.stop)
        named = chosen[plain.named[chosen]]
        again = self.recent.known(plain.hashes[named].tolist())
        if again:
            outcome.repeated += len(again)
            chosen = np.setdiff1d(chosen, named[again], assume_unique=True)
        outcome.fields["coerced"] += int(plain.coerced[chosen].sum())
        codes = plain.codes[chosen]
        for layout in dict.fromkeys(place[0] for place in places if place is not None):
            rows = np.array(
                [-1 if x is None or x[0] is not layout else x[1] for x in places], np.int64
            )[codes]
            of = chosen if (rows >= 0).all() else chosen[rows >= 0]
            if not len(of):
                continue
            values = plain.values(layout)[of]
            part = TableColumns(
                np.full(len(of), position), rows[rows >= 0], ts[of], values, plain.named[of],
                of, plain,
            )  # fmt: skip
            batches.setdefault(layout, LayoutBatch()).parts.append(part)
            self._waiting += values.size

    def _end_batch(
        self,
        records: Sequence[Record],
        position: int,
        batches: LayoutBatches,
        outcome: SliceResult,
    ) -> None:
        """Hand pending events over if they are many."""
        if self._catalogue.waiting and not self._catalogue.idle.due:
            self._catalogue.idle.wait(records[position].offset, waiting=True)
        if self._waiting > MAX_WAITING:
            self._hand_over(batches, records, outcome)


class _RowReader:
    """Rows of a table as JSON, converted some hundreds at a time."""

    _ROWS: Final = 256

    def __init__(self, table: Any) -> None:
        self._table = table
        self._first = 0
        self._bodies: list[tuple[int, bytes]] = []

    def __call__(self, index: int) -> bytes:
        if not self._first <= index < self._first + len(self._bodies):
            self._first = index
            self._bodies = table_bodies(self._table.slice(index, self._ROWS))
        return self._bodies[index - self._first][1]


def _with_default(plain: PlainTable, record: Record) -> NDArray[np.float64]:
    """Return the times of events, by default that of the record; NaN if it is out of range."""
    if not FIRST_MS <= record.timestamp <= LAST_MS:
        return plain.ts
    return np.where(np.isnan(plain.ts), record.timestamp / 1000, plain.ts)


def _end(ready: Flags, at: int) -> int:
    """Return where the run of equal values from an index on ends."""
    others = np.flatnonzero(ready[at:] != ready[at])
    return at + int(others[0]) if len(others) else len(ready)
