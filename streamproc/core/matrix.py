"""A group of events to one matrix, series by events, with the coordinates of every event."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from detectors.embedding import OUTPUTS
from streamproc.contract.timestamps import MILLISECONDS_FROM
from streamproc.core.batch import PLACE_BITS, Batch, Decoded
from streamproc.core.encoders import Encoders
from streamproc.core.layout import Layout
from streamproc.core.plain import Scanned
from streamproc.core.record import Record
from streamproc.core.shape import Form, Kind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The numbers of a group of events, the events of each model side by side.

    Attributes
    ----------
    values
        (series, events), NaN where a number is missing.
    ts
        (events,): event time, seconds since 1970.
    places, offsets
        (events,): place in the slice, and offset of the record.
    runs
        (models, 3): row in the layout, first event, event after the last.
    """

    values: Floats
    ts: Floats
    places: Ints
    offsets: Ints
    runs: Ints
    order: Ints
    event_of: Callable[[int], Any]

    def event(self, column: int) -> Any:
        """Return the event behind a column of `values`."""
        return self.event_of(int(self.order[column]))


def matrix(layout: Layout, batch: Batch, records: Sequence[Record], encoders: Encoders) -> Matrix:
    """Lay out the events of one layout, grouped by model and in log order within each."""
    coordinates = [_coordinates(layout, part, records) for part in batch.parts]
    rows, ts, places = (np.concatenate(parts) for parts in zip(*coordinates, strict=True))
    order = np.argsort(rows, kind="stable")
    rows, places = rows[order], places[order]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    stops = np.append(starts[1:], len(rows))
    offsets = [records[position].offset for position in (places >> PLACE_BITS).tolist()]
    runs = np.stack([rows[starts], starts, stops], axis=1)
    return Matrix(
        values=_values(layout, batch, order, runs, encoders),
        ts=ts[order],
        places=places,
        offsets=np.array(offsets, np.int64),
        runs=runs,
        order=order,
        event_of=partial(batch.event, layout, records),
    )


def _coordinates(
    layout: Layout, part: Decoded | Scanned, records: Sequence[Record]
) -> tuple[Ints, Floats, Ints]:
    """Return row, time and place of each event."""
    if isinstance(part, Scanned):
        return part.rows, part.ts, part.positions << PLACE_BITS
    rows = np.array([layout.rows[event.model_id] for event in part.events], np.int64)
    behind = [records[place >> PLACE_BITS] for place in part.places]
    ts = [
        ts
        if (ts := event.ts).__class__ is float and ts < MILLISECONDS_FROM
        else seconds(ts, record)
        for event, record in zip(part.events, behind, strict=True)
    ]
    return rows, np.array(ts, np.float64), np.array(part.places, np.int64)


def seconds(ts: float | datetime | None, record: Record) -> float:
    """Return an event's time in seconds since 1970; its record's, when it has none."""
    if isinstance(ts, datetime):
        return ts.timestamp()
    if ts is None:
        return record.timestamp / 1000
    return ts / 1000 if ts >= MILLISECONDS_FROM else ts


def _values(layout: Layout, batch: Batch, order: Ints, runs: Ints, encoders: Encoders) -> Floats:
    if layout.plain is not None:
        rows = np.concatenate([_rows(layout, part) for part in batch.parts])
        return np.ascontiguousarray(rows[order].T)
    events = [event for part in batch.parts if isinstance(part, Decoded) for event in part.events]
    return _of_events(layout, events, order, runs, encoders)


def _rows(layout: Layout, part: Decoded | Scanned) -> Floats:
    """Return (events, series) of a layout whose events may be plain."""
    if isinstance(part, Scanned):
        return part.values
    numbers = len(layout.shape.numbers)
    rows: Any = [astuple(event.features)[:numbers] for event in part.events]
    if layout.shape.form is Form.NUMBER:
        rows = [(*row, event.prediction) for row, event in zip(rows, part.events, strict=True)]
    return np.array(rows, np.float64).reshape(len(part), len(layout.series))  # None becomes NaN


def _of_events(
    layout: Layout, events: Sequence[Any], order: Ints, runs: Ints, encoders: Encoders
) -> Floats:
    shape = layout.shape
    numbers = len(shape.numbers)
    values = np.empty((len(layout.series), len(events)))
    tuples = [astuple(event.features) for event in events] if layout.fields else []
    if shape.others:
        _others(values, layout, tuples, order, runs, encoders)
        tuples = [row[:numbers] for row in tuples]
    if numbers:
        values[:numbers] = np.array(tuples, np.float64)[order].T  # None becomes NaN
    numbers += len(layout.texts) + len(OUTPUTS) * len(layout.lists)
    if shape.form is Form.NUMBER:
        values[numbers] = np.array([event.prediction for event in events], np.float64)[order]
    elif shape.form in (Form.CLASSES, Form.LOSSES):
        tuples = [astuple(event.prediction) for event in events]
        values[numbers:] = np.array(tuples, np.float64)[order].T
    elif shape.form is Form.LABEL:
        labels = np.array([event.prediction for event in events], object)[order]
        for row, name in enumerate(shape.classes, numbers):
            values[row] = labels == name
    return values


def _others(
    values: Floats,
    layout: Layout,
    tuples: Sequence[tuple[Any, ...]],
    order: Ints,
    runs: Ints,
    encoders: Encoders,
) -> None:
    """Fill the rows of texts and embeddings, which stand behind those of the numbers."""
    row, texts, lists = len(layout.shape.numbers), len(layout.texts), len(layout.lists)
    embedded = values[row + texts :][: len(OUTPUTS) * lists].reshape(
        len(OUTPUTS), lists, len(order)
    )
    found = 0
    for place, (_, kind) in enumerate(layout.fields):
        if kind is Kind.TEXT:
            numbers = encoders.numbers([event[place] for event in tuples])
            values[row] = np.array(numbers)[order]
            row += 1
        elif kind is Kind.LIST:
            column = [tuples[event][place] for event in order.tolist()]
            slots = layout.vectors[runs[:, 0], found]
            embedded[:, found] = encoders.embedded(column, runs, slots)
            found += 1
