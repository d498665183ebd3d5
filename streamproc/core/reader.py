"""Bytes of records to typed events, grouped by layout; what cannot be read is a dead letter."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from streamproc.contract.config import Limits
from streamproc.core.batch import PLACE_BITS, Batch, Batches
from streamproc.core.bodies import (
    WHOLE,
    UnreadableError,
    bodies,
    original_headers,
    original_value,
)
from streamproc.core.catalogue import Catalogue
from streamproc.core.draft import Draft
from streamproc.core.growth import Growth, clashes, news_of, unusual
from streamproc.core.layout import Layout, Model
from streamproc.core.plain import Scanned
from streamproc.core.recent import Recent
from streamproc.core.record import DeadLetter, Outcome, Reason, Record
from streamproc.core.scans import Scans
from streamproc.core.shape import Kind, Retyped, Shape
from streamproc.core.strays import Strays
from streamproc.core.twice import doubtful, twice
from streamproc.core.typed import ANY, DECODE_ERRORS, MAX_CLASSES, in_range, why

# Records that are read side by side: enough that the calls cost nothing, and few enough that their
# bytes stay in the processor's cache, and out of fresh pages.
_TOGETHER = 512
# What is read record by record cuts what is read side by side into pieces, and a piece costs as
# much as a record or two: where more than one in so many has to be, all are.
_FEW = 16
# Numbers in the matrices of the events that wait to be watched: one record can hold tens of
# thousands of events, and each has a place for all that its model ever had. 32 MiB.
_MAX_WAITING = 2**22
# An alert names its series; one that no topic takes would be lost.
LONGEST_NAME = 1000


def trouble(event: Any, record: Record, limits: Limits) -> tuple[Reason, str] | None:
    """Name what is wrong with an event whose types are right."""
    if not in_range(event.ts, record.timestamp):
        return Reason.WRONG_TYPE, "its time is not within the years 1 to 9999 in UTC"
    features, most = event.features or (), limits.max_features
    if len(features) > most:
        detail = f"{len(features)} features; limits.max_features is {most}"
        return Reason.TOO_MANY_FEATURES, detail
    longest = max(map(len, features), default=0)
    if longest > LONGEST_NAME:
        return Reason.WRONG_TYPE, f"a feature's name has {longest} characters, of {LONGEST_NAME}"
    return None


class Reader:
    """Reads one partition's records and learns the shapes of its models' events.

    Parameters
    ----------
    catalogue
        Where models and their layouts are kept.
    watch
        Called with batches of events: at the end of a slice, and before a known model
        changes its layout, so that each series is fed in log order.
    retyped
        Called when series of a model are no more, with its id, the features that are something
        else from this event on, and the event, its place and its record.
    full
        Called once for each limit, with its name and the event, its place and its record,
        when a series of that event is the first that is not watched because of it.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        topic: str,
        partition: int,
        watch: Callable[[Batches, Sequence[Record], Outcome], None],
        retyped: Callable[[str, Retyped, Any, int, Record], None],
        full: Callable[[str, Any, int, Record], None],
    ) -> None:
        self._catalogue = catalogue
        self._limits = catalogue.config.limits
        self._topic, self._partition = topic, partition
        self._watch = watch
        self._retyped = retyped
        self._full = full
        self._any = ANY[catalogue.topic]
        self._doubtful: set[int] = set()  # places of this slice's records
        self._scans = Scans()
        self._drafts: dict[str, Draft] = {}  # models that grow within this slice
        self._waiting = 0  # numbers in the matrices of events that wait
        self._alone: set[str] = set()  # models whose events are read one by one
        self._left: list[tuple[Layout, int]] = []  # where models were that are read so from now on
        self._hints: dict[bytes | None, Layout] = {}
        self.recent = Recent(self._limits.recent_events)
        self.strays = Strays()

    def read(self, records: Sequence[Record], outcome: Outcome) -> None:
        """Decode a slice and hand over all of its events."""
        self._alone = set(self.strays)
        batches: Batches = {}
        for first in range(0, len(records), _TOGETHER):
            together = range(first, min(first + _TOGETHER, len(records)))
            self._read_together(records, together, batches, outcome)
        self._hand_over(batches, records, outcome)

    def _read_together(
        self, records: Sequence[Record], together: range, batches: Batches, outcome: Outcome
    ) -> None:
        """Read the plain events side by side, and what is between them record by record."""
        scanning = self._scans.due()
        found = self._scan(records, together) if scanning else []
        rest = _without(together, found)
        too_many = len(rest) > len(together) // _FEW
        if scanning:
            self._scans.note(worth_it=not too_many)
        if too_many:
            found, rest = [], together
        done = together.start
        self._doubt(records, rest)
        waiting = deque(rest)
        while waiting:
            position = waiting.popleft()
            self._gather(found, range(done, position), records, batches, outcome)
            done = position + 1
            self._read_one(records, position, batches, outcome)
            if self._left:
                # events of these models that were read side by side are to be read again
                found, again = _without_rows(found, self._left, done)
                self._left.clear()
                if again:
                    waiting = deque(sorted((*waiting, *again)))
                    self._doubt(records, waiting)
        self._gather(found, range(done, together.stop), records, batches, outcome)

    def _scan(self, records: Sequence[Record], together: range) -> list[tuple[Layout, Scanned]]:
        """Read what is plain of some records, by layout."""
        hints, longest = self._hints, self._limits.record_bytes
        hinted = [
            None if record.headers else hints.get(record.key)
            for record in records[together.start : together.stop]
        ]
        found: list[tuple[Layout, Scanned]] = []
        for layout, positions in _by_layout(hinted, together).items():
            if layout is not None and layout.plain is not None:
                part = layout.plain.read(layout.rows, records, positions, longest)
                if self._alone:
                    rows = [layout.rows[name] for name in self._alone if name in layout.rows]
                    part = part.where(~np.isin(part.rows, rows)) if rows else part
                found.append((layout, part))
        return found

    def _gather(
        self,
        found: list[tuple[Layout, Scanned]],
        span: range,
        records: Sequence[Record],
        batches: Batches,
        outcome: Outcome,
    ) -> None:
        """Put plain events of a span of records to their batches, but for repeated ones."""
        if not span:
            return
        parts = [(layout, _within(part, span)) for layout, part in found]
        named = [at for _, part in parts for at in part.positions[part.named].tolist()]
        if len(parts) > 1:
            named.sort()
        repeated = self.recent.repeated([records[at].value or b"" for at in named])
        outcome.repeated += len(repeated)
        again = [named[index] for index in repeated]
        for layout, part in parts:
            new = part.where(~np.isin(part.positions, again)) if again else part
            if len(new):
                batches.setdefault(layout, Batch()).parts.append(new)

    def _doubt(self, records: Sequence[Record], positions: Sequence[int]) -> None:
        """Find out which of some records have to be looked at key by key."""
        values = [records[at].value for at in positions]
        doubts = doubtful(values, self._limits.record_bytes)
        self._doubtful = {positions[index] for index in doubts}

    def _read_one(
        self, records: Sequence[Record], position: int, batches: Batches, outcome: Outcome
    ) -> None:
        """Read a record by itself."""
        record = records[position]
        value, layout = record.value, self._hints.get(record.key)
        if (
            layout is not None
            and value
            and not record.headers
            and len(value) <= self._limits.record_bytes
        ):
            try:
                event = layout.typed.decode(value)
            except DECODE_ERRORS:
                event = None  # perhaps only new to this layout: the general way decides
            if (
                event is not None
                and event.model_id in layout.rows
                and in_range(event.ts, record.timestamp)
                and not (self._alone and event.model_id in self._alone)
                and (position not in self._doubtful or twice(value) is None)
            ):
                if event.event_id is not None and self.recent.again(value):
                    outcome.repeated += 1
                else:
                    batches.setdefault(layout, Batch()).add(event, position << PLACE_BITS)
                return
        self._read_any(records, position, batches, outcome)

    def _read_any(
        self, records: Sequence[Record], position: int, batches: Batches, outcome: Outcome
    ) -> None:
        record = records[position]
        try:
            found = bodies(record, self._limits.record_bytes)
        except UnreadableError as error:
            why_not = error.reason, error.detail
            self._refuse(record, WHOLE, original_value(record), why_not, outcome)
            return
        for index, body in found:
            try:
                event = self._any.decode(body)
            except DECODE_ERRORS as error:
                self._refuse(record, index, body, why(error, body), outcome)
                continue
            wrong = trouble(event, record, self._limits)
            if wrong is None and position in self._doubtful:
                wrong = twice(body)
            if wrong is not None:
                self._refuse(record, index, body, wrong, outcome)
                continue
            if event.event_id is not None and self.recent.again(body):
                outcome.repeated += 1
                continue
            place = (position << PLACE_BITS) + max(index, 0)
            self._put(event, place, batches, records, outcome)
            if self._waiting > _MAX_WAITING:
                self._hand_over(batches, records, outcome)

    def _put(
        self, event: Any, place: int, batches: Batches, records: Sequence[Record], outcome: Outcome
    ) -> None:
        """Put an event of any shape to those of its model, which may grow by it."""
        record = records[place >> PLACE_BITS]
        model = self._catalogue.models.get(event.model_id)
        if model is None:
            growth = self._growth(Shape())
            if (news := growth.news(event.features or {}, _prediction(event))) is not None:
                growth.add(news)
            model = self._catalogue.settle(event.model_id, growth.shape())
        else:
            self._grow(model, event, place, batches, records, outcome)
        draft = self._drafts.get(event.model_id)
        kinds = draft.kinds if draft is not None else model.layout.kinds if model else {}
        self._tell_limits(event, kinds, place, record)
        if model is None:
            outcome.events += 1
            return
        self._waiting += len(kinds)
        if draft is not None:
            draft.add(event, place)
            return
        layout = model.layout
        layout.loose += 1
        if layout.settled and model.id not in self._alone:
            self._hint(record.key, layout)
        batches.setdefault(layout, Batch()).add(event, place, loose=True)

    def _grow(
        self,
        model: Model,
        event: Any,
        place: int,
        batches: Batches,
        records: Sequence[Record],
        outcome: Outcome,
    ) -> None:
        """Let a known model have what is new in an event."""
        draft, layout = self._drafts.get(model.id), model.layout
        kinds = layout.kinds if draft is None else draft.kinds
        features, prediction = event.features or {}, _prediction(event)
        key = records[place >> PLACE_BITS].key
        odd = unusual(kinds, features)
        other: Mapping[str, Kind] = {}
        if odd or model.id in self.strays:
            other = self.strays.see(model.id, kinds, features, odd)
            if model.id in self.strays:
                self._read_alone(model, key)
        if other:
            self._hand_over(batches, records, outcome)
            self._settle(model, other, event, place, records)
            return
        if draft is not None:
            news = draft.growth.news(odd, prediction)
        else:
            known = kinds, layout.shape.form, layout.class_rows
            news = news_of(known, (odd, prediction), self._limits.max_features, MAX_CLASSES)
        if news is None:
            return
        if clashes(kinds, news):
            self._hand_over(batches, records, outcome)
            self._settle(model, {}, event, place, records)
            return
        if draft is None:
            draft = self._drafts[model.id] = Draft(model, self._growth(layout.shape))
            self._read_alone(model, key)
        self._catalogue.admit(model, news)
        draft.grow(news)

    def _growth(self, shape: Shape) -> Growth:
        return Growth(shape, self._limits.max_features, MAX_CLASSES)

    def _read_alone(self, model: Model, key: bytes | None) -> None:
        """Read the next events of a model one by one: each may change how the others are read."""
        self._hints.pop(key, None)
        if model.id not in self._alone:
            self._alone.add(model.id)
            self._left.append((model.layout, model.row))

    def _settle(
        self,
        model: Model,
        other: Mapping[str, Kind],
        event: Any,
        place: int,
        records: Sequence[Record],
    ) -> None:
        """Move a model at once, with features that are something else from this event on."""
        known = model.layout.shape
        growth = self._growth(known)
        growth.remove(other)
        news = growth.news(event.features or {}, _prediction(event))
        if news is not None:
            growth.add(news)
        shape = growth.shape()
        self._left.append((model.layout, model.row))
        self._catalogue.settle(model.id, shape)
        retyped = known.retyped(shape)
        if retyped or self._catalogue.dropped:
            self._retyped(model.id, retyped, event, place, records[place >> PLACE_BITS])

    def _tell_limits(
        self, event: Any, kinds: Mapping[str, Kind], place: int, record: Record
    ) -> None:
        told = self._catalogue.told
        if self._catalogue.refused and "max_series" not in told:
            told.add("max_series")
            self._full("max_series", event, place, record)
        if len(kinds) < self._limits.max_features or "max_features" in told:
            return
        if not all(name in kinds for name in event.features or ()):
            told.add("max_features")
            self._full("max_features", event, place, record)

    def _hand_over(self, batches: Batches, records: Sequence[Record], outcome: Outcome) -> None:
        """Have all events watched that wait; the models that have grown are moved then."""
        self._watch_all(batches, records, outcome)
        if self._drafts:
            for draft in self._drafts.values():
                draft.move(self._catalogue, batches)
            self._drafts.clear()
            self._watch_all(batches, records, outcome)
        self._alone = set(self.strays)
        self._waiting = 0

    def _watch_all(self, batches: Batches, records: Sequence[Record], outcome: Outcome) -> None:
        outcome.events += sum(map(len, batches.values()))
        self._watch(batches, records, outcome)
        batches.clear()

    def _hint(self, key: bytes | None, layout: Layout) -> None:
        if len(self._hints) > 2 * len(self._catalogue.models) + 1000:
            self._hints.clear()  # keys that name no model must not fill the memory
        self._hints[key] = layout

    def _refuse(
        self,
        record: Record,
        index: int,
        body: bytes | None,
        why_not: tuple[Reason, str],
        outcome: Outcome,
    ) -> None:
        outcome.dead_letters.append(
            DeadLetter(
                reason=why_not[0],
                detail=why_not[1],
                topic=self._topic,
                partition=self._partition,
                offset=record.offset,
                timestamp=record.timestamp,
                index=index,
                key=record.key,
                value=body,
                headers=original_headers(record),
            )
        )


def _prediction(event: Any) -> Any:
    return getattr(event, "prediction", None)


def _without_rows(
    found: list[tuple[Layout, Scanned]], rows: Sequence[tuple[Layout, int]], first: int
) -> tuple[list[tuple[Layout, Scanned]], list[int]]:
    """Leave out what some rows have from a position on; return those positions, too."""
    left: list[tuple[Layout, Scanned]] = []
    again: list[int] = []
    for layout, part in found:
        of = [row for at, row in rows if at is layout]
        if of:
            out = np.isin(part.rows, of) & (part.positions >= first)
            again += part.positions[out].tolist()
            left.append((layout, part.where(~out)))
        else:
            left.append((layout, part))
    return left, again


def _by_layout(
    hinted: Sequence[Layout | None], together: range
) -> Mapping[Layout | None, Sequence[int]]:
    """Sort records by what their keys say."""
    if len(set(hinted)) == 1:
        return {hinted[0]: together}
    found: dict[Layout | None, list[int]] = {}
    for position, layout in zip(together, hinted, strict=True):
        found.setdefault(layout, []).append(position)
    return found


def _without(together: range, found: list[tuple[Layout, Scanned]]) -> Sequence[int]:
    """Return the records that are not among those that were found to be plain."""
    if sum(len(part) for _, part in found) == len(together):
        return ()
    taken = {at for _, part in found for at in part.positions.tolist()}
    return [at for at in together if at not in taken]


def _within(part: Scanned, span: range) -> Scanned:
    """Return those of a span of records."""
    first, last = np.searchsorted(part.positions, (span.start, span.stop)).tolist()
    return part if last - first == len(part) else part.where(slice(first, last))
